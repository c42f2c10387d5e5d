// A chain of 1,000 promises, built while pending, then completed: prints the median of nanoseconds for a link.
const LINKS = 1000, TIMES = 50, WARM = 20, ROUNDS = 41;

async function chain() {
  let resolve;
  let promise = new Promise((settle) => { resolve = settle; });
  for (let i = 0; i < LINKS; i++) promise = promise.then((n) => n + 1);
  resolve(0);
  if (await promise !== LINKS) throw new Error("wrong");
}

const samples = [];
for (let round = -WARM; round < ROUNDS; round++) {
  const started = process.hrtime.bigint();
  for (let i = 0; i < TIMES; i++) await chain();
  if (round >= 0) samples.push(Number(process.hrtime.bigint() - started) / (LINKS * TIMES));
}
samples.sort((a, b) => a - b);
console.log(samples[ROUNDS >> 1]);
