/** What goes over the wire, and how a server may answer: with one of these statuses, or by closing the connection. */
export interface RawRequest {
  readonly name: string;
  /** One character a byte. */
  readonly bytes: string;
  readonly statuses: readonly number[];
}

const END = "\r\n\r\n";
const HOST = "\r\nHost: localhost";
const get = (target: string, headers = "") => `GET ${target} HTTP/1.1${HOST}\r\nConnection: close${headers}${END}`;
const post = (target: string, headers: string, body: string) =>
  `POST ${target} HTTP/1.1${HOST}\r\nConnection: close\r\nContent-Type: application/json${headers}${END}${body}`;

const NOT_READ = [400];
const NOT_THERE = [400, 404];

/** Requests that no server may take for what they pretend to be; `target` is a path that is really served. */
export const rawRequests = (target: string): readonly RawRequest[] =>
  Object.entries<readonly [string, readonly number[]]>({
    "NUL in the path": [get(`${target}\0`), NOT_READ],
    "NUL in the query": [get(`${target}?a=\0`), NOT_READ],
    "NUL, percent-encoded, in the path": [get(`${target}%00`), NOT_THERE],
    "a line feed, percent-encoded, in the path": [get(`${target}%0a`), NOT_THERE],
    "a carriage return in the path": [get(`${target}\rX: y`), NOT_READ],
    "a space in the path": [get(`${target} x`), NOT_READ],
    "a tab in the path": [get(`${target}\tx`), NOT_READ],
    "bytes beyond ASCII in the path": [get(`${target}\xff\xfe`), NOT_THERE],
    "invalid UTF-8, percent-encoded, in the path": [get(`${target}%ff%fe`), NOT_THERE],
    "an overlong slash in the path": [get(`${target}%c0%af`), NOT_THERE],
    "a surrogate in the path": [get(`${target}%ed%a0%80`), NOT_THERE],
    "a turn of direction in the path": [get(`${target}%e2%80%ae`), NOT_THERE],
    "half an escape in the path": [get(`${target}%`), NOT_THERE],
    "an escape that is none in the path": [get(`${target}%zz`), NOT_THERE],
    "dots that lead back": [get(`/x/..${target}`), NOT_THERE],
    "dots that lead out, percent-encoded": [get("/%2e%2e/%2e%2e/etc/passwd"), NOT_THERE],
    "a backslash for a slash": [get(target.replaceAll("/", "\\")), NOT_THERE],
    "two slashes": [get(`/${target}`), NOT_THERE],
    "a semicolon parameter": [get(`${target};x=y`), NOT_THERE],
    "the prototype": [get("/__proto__"), NOT_THERE],
    "a path of 7,000 bytes": [get(`/${"a".repeat(7_000)}`), [400, 404, 414, 431]],
    "a header block over 8 KiB": [get(target, `\r\nX: ${"x".repeat(9_000)}`), [431]],
    "a thousand headers": [get(target, "\r\nX-A: bcdef".repeat(1_000)), [431]],
    "NUL in a header": [get(target, "\r\nX: a\0b"), NOT_READ],
    "a carriage return in a header": [get(target, "\r\nX: a\rb"), NOT_READ],
    "NUL in the name of a header": [get(target, "\r\nX\0: a"), NOT_READ],
    "a header without a colon": [get(target, "\r\nnonsense"), NOT_READ],
    "a header with a space before its colon": [get(target, "\r\nX : y"), NOT_READ],
    "a header without a name": [get(target, "\r\n: y"), NOT_READ],
    "a header of two lines": [get(target, "\r\nX: a\r\n b"), NOT_READ],
    "no host": [`GET ${target} HTTP/1.1\r\nConnection: close${END}`, NOT_READ],
    "two hosts": [get(target, "\r\nHOST: localhost"), NOT_READ],
    "a host twice the same": [get(target, HOST), NOT_READ],
    "a host without a name beside one": [get(target, "\r\nHost:"), NOT_READ],
    "lines that end in a line feed": [get(target).replaceAll("\r\n", "\n"), NOT_READ],
    "a method in small letters": [get(target).replace("GET", "get"), [400, 405]],
    "a method that nobody knows": [get(target).replace("GET", "BREW"), [405]],
    "HTTP/0.9": [`GET ${target}\r\n`, NOT_READ],
    "HTTP/1.1 with another name": [get(target).replace("HTTP", "XTTP"), NOT_READ],
    "HTTP/3.0": [get(target).replace("HTTP/1.1", "HTTP/3.0"), NOT_READ],
    "the preface of HTTP/2": ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 405]],
    "a line of text": ["hello\r\n", NOT_READ],
    "nothing but bytes": ["\0\x01\x02\xff".repeat(20), NOT_READ],
    "a length and chunks": [post(target, "\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), NOT_READ],
    "two lengths": [post(target, "\r\nContent-Length: 2\r\nContent-Length: 3", "{}x"), NOT_READ],
    "a length below zero": [post(target, "\r\nContent-Length: -1", "{}"), NOT_READ],
    "a length in hexadecimal": [post(target, "\r\nContent-Length: 0x2", "{}"), NOT_READ],
    "a length beyond every integer": [post(target, `\r\nContent-Length: ${"9".repeat(30)}`, "{}"), [400, 413]],
    "a coding that nobody knows": [post(target, "\r\nTransfer-Encoding: x", "{}"), [400, 401, 405, 501]],
    "chunked before another coding": [post(target, "\r\nTransfer-Encoding: chunked, x", "0\r\n\r\n"), [400, 401, 405]],
    "a chunk of no number": [post(target, "\r\nTransfer-Encoding: chunked", "zz\r\n{}\r\n0\r\n\r\n"), [400, 401, 405]],
    "an expectation that nobody knows": [get(target, "\r\nExpect: the-impossible"), [400, 417]],
  }).map(([name, [bytes, statuses]]) => ({ name, bytes, statuses }));
