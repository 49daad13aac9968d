/**
 * The names of calls: short, unlike those of any other life of this program, and made by counting, since a call must not
 * pay for randomness. A call carries its number; the text is made when somebody wants to read it.
 */
/** Counts the calls of one running program. */
export interface CallIds {
  /** The number of one more call; the first is 1. */
  next(): number;
  /** The id that stands in log lines, errors and metrics. */
  textOf(number: number): string;
}

const letters = 36;
const prefixLength = 6;

function randomWord(): string {
  const [chance = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  return (chance % BigInt(letters ** prefixLength)).toString(letters).padStart(prefixLength, "0");
}

/** Starts counting. `prefix` tells this life of the program from others. */
export function createCallIds(prefix = randomWord()): CallIds {
  let last = 0;
  return {
    next() {
      last += 1;
      return last;
    },
    textOf: (number) => `${prefix}-${number.toString(letters)}`,
  };
}
