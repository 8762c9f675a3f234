const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const IMF_FIXDATE = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const RFC_850 = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

/**
 * Whole seconds since the epoch of an HTTP-date in any of its three forms (RFC 9110, 5.6.7); null for anything else. A
 * two-digit year is one of 1970 to 2069.
 */
export function parseHttpDate(text: string): number | null {
  const fixed = IMF_FIXDATE.exec(text);
  if (fixed) return seconds(fixed[3], fixed[2], fixed[1], fixed[4], fixed[5], fixed[6]);
  const short = RFC_850.exec(text);
  if (short) return seconds(fullYear(short[3]), short[2], short[1], short[4], short[5], short[6]);
  const ansi = ASCTIME.exec(text);
  if (ansi) return seconds(ansi[6], ansi[1], ansi[2], ansi[3], ansi[4], ansi[5]);
  return null;
}

const fullYear = (digits: string | undefined): string => `${Number(digits) < 70 ? "20" : "19"}${digits}`;

function seconds(year?: string, month?: string, day?: string, hour?: string, minute?: string, second?: string) {
  const place = MONTHS.indexOf(month ?? "");
  const parts = [Number(year), place, Number(day), Number(hour), Number(minute), Number(second)] as const;
  const date = new Date(Date.UTC(...parts));
  const isReal = place >= 0 && date.getUTCDate() === parts[2] && parts[3] < 24 && parts[4] < 60 && parts[5] <= 60;
  return isReal ? date.getTime() / 1000 : null;
}
