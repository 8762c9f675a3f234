/** What every answer of every listener carries: its type is not guessed, and no page that it leads to is told its URL (S34). */
export const SAFE_HEADERS = {
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
} as const;
