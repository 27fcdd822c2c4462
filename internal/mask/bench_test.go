package mask_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/escenv/escenv/internal/mask"
)

// BenchmarkWriter masks ordinary build output, in which no secret stands, in
// pieces as they come out of a pipe.
func BenchmarkWriter(b *testing.B) {
	text := []byte(buildOutput(1 << 20))
	for _, count := range []int{20, 120} {
		for _, size := range []int{120, 4 << 10, 32 << 10} {
			b.Run(fmt.Sprintf("secrets=%d/write=%d", count, size), func(b *testing.B) {
				w := mask.NewWriter(io.Discard, mask.NewSet(manySecrets(count)...))
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					for start := 0; start < len(text); start += size {
						w.Write(text[start:min(start+size, len(text))])
					}
				}
			})
		}
	}
}

// BenchmarkFirstWrite is what the first output waits for.
func BenchmarkFirstWrite(b *testing.B) {
	for _, count := range []int{3, 20, 120} {
		secrets := manySecrets(count)
		b.Run(fmt.Sprintf("secrets=%d", count), func(b *testing.B) {
			for b.Loop() {
				w := mask.NewWriter(io.Discard, mask.NewSet(secrets...))
				w.Write([]byte("x"))
			}
		})
	}
}

func buildOutput(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "[%4d/9000] Compiling module internal/service/handler_%d.go -> build/obj/%016x.o (cache miss, %d ms)\n", i, i%97, i*2654435761, i%350)
	}
	return b.String()
}

func manySecrets(count int) []string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	random := rand.New(rand.NewPCG(1, 2))
	secrets := make([]string, count)
	for i := range secrets {
		b := make([]byte, []int{12, 20, 40, 900}[i%4])
		for j := range b {
			b[j] = alphabet[random.IntN(len(alphabet))]
		}
		secrets[i] = string(b)
	}
	return secrets
}
