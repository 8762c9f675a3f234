import { styleText } from "node:util";

/** One line of `demo.json`. */
export interface StepRecord {
  readonly chapter: string;
  readonly step: string;
  readonly expected: string;
  readonly actual: string;
  readonly ok: boolean;
  readonly ms: number;
  /** What was seen beside it: a reason, a number that differs from run to run. */
  readonly note?: string;
}

/** What an act came to: `actual` is held against what was expected. */
export interface Outcome<T> {
  readonly actual: string;
  readonly note?: string;
  readonly value: T;
}

export interface Step<T> {
  readonly title: string;
  /** What a reader types to do the same, with names for secrets. */
  readonly command?: string;
  readonly expected: string;
  act(): Promise<Outcome<T>>;
}

/** Where the story is told: every step is done, held against what was expected, shown and recorded. */
export interface Stage {
  readonly records: readonly StepRecord[];
  chapter(title: string, why: string): void;
  /** Does a step. One that differs is shown and the story goes on; one that throws ends it. */
  step<T>(step: Step<T>): Promise<T>;
  say(text: string): void;
}

export interface StageParts {
  write(line: string): void;
  /** Takes the secrets out of a text. */
  redact(text: string): string;
  /** Milliseconds of a monotonic clock. */
  clock(): number;
}

type Style = "bold" | "dim" | "green" | "red";
/** Coloured on a terminal, unless NO_COLOR says otherwise; plain elsewhere. */
const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

export function openStage({ write, redact, clock }: StageParts): Stage {
  const records: StepRecord[] = [];
  let chapter = "";
  let chapters = 0;
  const show = (style: Style | null, text: string) => {
    const safe = redact(text);
    write(style === null ? safe : styled(style, safe));
  };

  function tell(record: StepRecord, command: string | undefined): void {
    records.push(record);
    const note = record.note === undefined ? "" : ` (${record.note})`;
    if (record.ok)
      write(`  ${styled("green", "✔")} ${record.step}  ${styled("green", `→ ${record.actual}`)}${styled("dim", note)}`);
    else {
      write(`  ${styled("red", "✘")} ${record.step}`);
      write(`      expected: ${record.expected}`);
      write(styled("red", `      actual:   ${record.actual}${note}`));
    }
    if (command !== undefined) show("dim", `      ${command}`);
  }

  return {
    records,
    chapter(title, why) {
      chapters += 1;
      chapter = title;
      write("");
      show("bold", `${chapters}  ${title}`);
      show(null, `   ${why}`);
    },
    say: (text) => show(null, `    ${text}`),
    async step({ title, command, expected, act }) {
      const from = clock();
      const record = (actual: string, note: string | undefined): StepRecord => ({
        chapter,
        step: redact(title),
        expected,
        actual: redact(actual),
        ok: actual === expected,
        ms: Math.round(clock() - from),
        ...(note === undefined ? {} : { note: redact(note) }),
      });
      try {
        const { actual, note, value } = await act();
        tell(record(actual, note), command);
        return value;
      } catch (error) {
        tell(record(`failed: ${error instanceof Error ? error.message : String(error)}`, undefined), command);
        throw error;
      }
    },
  };
}
