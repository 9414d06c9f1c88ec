/** What the bars draw with: a line of a terminal that is drawn anew in place. */

/** What is used of a stream such as process.stderr. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** 0 where the terminal does not say. */
  readonly columns?: number;
}

/** Goes to the beginning of the line and empties it. */
export const erase = '\r\u001b[K';

/** Draws over what the line holds; cut to the width, since a wrapped line could not be drawn over. */
export function redraw(stream: ProgressStream, text: string): void {
  const { columns = 0 } = stream;
  stream.write(`${erase}${text.slice(0, (columns > 0 ? columns : 80) - 1)}`);
}

const width = 16;

/** 0.5 -> '████████░░░░░░░░' */
export function cells(share: number): string {
  const filled = Math.round(width * Math.min(1, share));
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}

/** 59 -> '0:59', 3661 -> '1:01:01' */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
