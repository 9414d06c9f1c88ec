/**
 * Llama 3's stretching of rotary positions from the divisors that a GGUF file keeps of it (`rope_freqs.weight`), one for each
 * frequency fᵢ:
 *
 *   dᵢ = 1 / ((1 − sᵢ) / factor + sᵢ)      sᵢ = (turns − low) / (high − low), held within 0 … 1      turns = L·fᵢ / 2π
 *
 * The factor is the largest divisor. Between the ends sᵢ = a·fᵢ + b, from which low, high and L follow but for a common factor:
 * they are given with low = 1, as Llama 3 has it. Source: transformers' `rope_type` llama3.
 */
export interface Llama3Scaling {
  readonly rope_type: 'llama3';
  readonly factor: number;
  readonly low_freq_factor: number;
  readonly high_freq_factor: number;
  readonly original_max_position_embeddings: number;
}

/** `undefined`: all are 1, or no such stretching gives these divisors ('unknown'). */
export function llama3ScalingOf(divisors: Float32Array, base: number): Llama3Scaling | undefined | 'unknown' {
  const factor = divisors.reduce((most, value) => Math.max(most, value), 0);
  if (divisors.every((value) => value === 1)) return undefined;
  const frequencies = Array.from(divisors, (_, i) => base ** (-i / divisors.length));
  const share = (divisor: number) => (1 / divisor - 1 / factor) / (1 - 1 / factor); // s
  const ramp = frequencies.flatMap((f, i) => {
    const s = share(divisors[i]!);
    return s > 1e-4 && s < 1 - 1e-4 ? [{ f, s }] : [];
  });
  const first = ramp[0];
  const last = ramp.at(-1);
  if (first === undefined || last === undefined || first === last) return 'unknown';
  const a = (first.s - last.s) / (first.f - last.f);
  const b = first.s - a * first.f;
  const span = -1 / b; // high − low, with low = 1
  const exact = { high: 1 + span, length: Math.round(2 * Math.PI * a * span) };
  const neat = { high: Number(exact.high.toFixed(2)), length: Number(exact.length.toPrecision(3)) };
  const near = 2 ** Math.round(Math.log2(exact.length)); // trained lengths are powers of two, which rounding hides
  for (const { high, length } of [{ high: neat.high, length: near }, neat, exact]) {
    const scaling = {
      rope_type: 'llama3' as const,
      factor,
      low_freq_factor: 1,
      high_freq_factor: high,
      original_max_position_embeddings: length,
    };
    if (frequencies.every((f, i) => Math.abs(divisorOf(f, scaling) / divisors[i]! - 1) < 1e-4)) return scaling;
  }
  return 'unknown';
}

function divisorOf(frequency: number, scaling: Llama3Scaling): number {
  const { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: length } = scaling;
  const turns = (length * frequency) / (2 * Math.PI);
  const s = Math.min(1, Math.max(0, (turns - low) / (high - low)));
  return 1 / ((1 - s) / factor + s);
}
