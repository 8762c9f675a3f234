import type { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { expect, it, onTestFinished } from "vitest";
import { eventually, served, twoMeshes } from "../federation/federation-fixture.ts";
import { pollAsIstiod } from "../support/poll.ts";
import { federate, runBroker, type TestBroker } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { testCa } from "../support/test-ca.ts";

async function running(env: Record<string, string>): Promise<TestBroker> {
  const broker = await runBroker(env);
  onTestFinished(() => broker.remove());
  return broker;
}

const portOf = (url: string) => Number(new URL(url).port);

/** The certificate that a new connection is shown. */
const shownBy = (url: string): Promise<X509Certificate> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: portOf(url), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate() as X509Certificate);
      socket.destroy();
    });
    socket.on("error", reject);
  });

it("the broker's SVID is renewed at half of its life, under load, without a failed poll", async () => {
  const broker = await running({
    ENTENTE_SVID_TTL_SECONDS: "5",
    ENTENTE_LIMITS_POLLS_PER_SECOND: "100000",
    ENTENTE_LIMITS_POLL_BURST: "100000",
  });
  const { bank, shop } = await twoMeshes(broker);
  await federate(broker, bank, shop);
  const serials = new Set<string>();
  let loaded = true;
  // `served` verifies the chain, the validity and the exact SPIFFE ID at each poll (R74), over a new connection.
  const load = Promise.all(
    Array.from({ length: 3 }, async () => {
      const answers = new Set<unknown>();
      while (loaded) answers.add(await served(broker, bank, shop.trustDomain));
      return [...answers];
    }),
  );
  const first = await shownBy(broker.addresses.bundleSpiffe);
  const lifeMs = first.validToDate.getTime() - first.validFromDate.getTime();
  expect(lifeMs).toBeGreaterThanOrEqual(5_000);
  await eventually(
    async () => serials.add((await shownBy(broker.addresses.bundleSpiffe)).serialNumber).size,
    (size) => size >= 3,
  );
  loaded = false;
  expect(await load).toEqual([["bundle"], ["bundle"], ["bundle"]]);
}, 60_000);

it("configured certificate files of the https_web endpoint are reloaded when they change, and kept when they are broken", async () => {
  const folder = temporaryFolder();
  const [certificateFile, keyFile] = [join(folder, "web.pem"), join(folder, "web.key")];
  const ca = testCa({ trustDomain: "web.example" });
  const write = () => {
    const { certificate, certificatePem, keyPem } = ca.issueLeaf({ commonName: "localhost", dnsNames: ["localhost"] });
    writeFileSync(keyFile, keyPem, { mode: 0o600 });
    writeFileSync(certificateFile, certificatePem);
    return certificate.x509.serialNumber;
  };
  const first = write();
  const broker = await running({
    ENTENTE_WEB_CERTIFICATE_FILE: certificateFile,
    ENTENTE_WEB_KEY_FILE: keyFile,
    ENTENTE_WEB_CERTIFICATE_CHECK_SECONDS: "1",
  });
  const url = broker.addresses.bundleWeb;
  const serial = async () => (await shownBy(url)).serialNumber;
  expect(await serial()).toBe(first);
  expect((await pollAsIstiod(portOf(url), "/bundle", { ca: ca.certificatePem })).status).toBe(200);

  const second = write();
  expect(second).not.toBe(first);
  await eventually(serial, (shown) => shown === second);

  writeFileSync(certificateFile, "not a certificate");
  await eventually(
    async () => broker.log(),
    (log) => log.includes("a certificate was not renewed"),
  );
  expect(await serial()).toBe(second);
  const third = write();
  await eventually(serial, (shown) => shown === third);
}, 60_000);

it("certificates carry the bound hosts, localhost and both loopback addresses", async () => {
  const broker = await running({ ENTENTE_PUBLIC_URL_WEB: "https://bundles.example.org" });
  const web = await shownBy(broker.addresses.bundleWeb);
  for (const host of ["bundles.example.org", "localhost"]) expect(web.checkHost(host)).toBe(host);
  for (const address of ["127.0.0.1", "::1"]) expect(web.checkIP(address)).toBe(address);
});
