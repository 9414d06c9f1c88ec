/** A table as CSV text with every field quoted, as RFC 4180 has it. */
export function stringify(table: readonly (readonly string[])[]): string {
  return table.map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join('\r\n');
}
