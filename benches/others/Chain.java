// A chain of 1,000 futures, built while pending, then completed: prints the median of nanoseconds for a link.
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;

public class Chain {
    static final int LINKS = 1000, TIMES = 50, WARM = 100, ROUNDS = 41;

    static void chain() {
        CompletableFuture<Long> first = new CompletableFuture<>(), last = first;
        for (int i = 0; i < LINKS; i++) last = last.thenApply(n -> n + 1);
        first.complete(0L);
        if (last.join() != LINKS) throw new IllegalStateException("wrong");
    }

    public static void main(String[] arguments) {
        double[] samples = new double[ROUNDS];
        for (int round = -WARM; round < ROUNDS; round++) {
            long started = System.nanoTime();
            for (int i = 0; i < TIMES; i++) chain();
            if (round >= 0) samples[round] = (System.nanoTime() - started) / (double) (LINKS * TIMES);
        }
        Arrays.sort(samples);
        System.out.println(samples[ROUNDS / 2]);
    }
}
