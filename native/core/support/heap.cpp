#include "support/heap.h"

#include <cstdlib>  // says whether it is glibc

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace timbre {

void return_memory_early() {
#ifdef __GLIBC__
  // Setting them ends their growth with what is freed. Measured with bench/reliability/soak.mjs.
  constexpr int kOwnMapping = 256 * 1024;
  constexpr int kKeptAtTheTop = 1024 * 1024;
  mallopt(M_MMAP_THRESHOLD, kOwnMapping);
  mallopt(M_TRIM_THRESHOLD, kKeptAtTheTop);
#endif
}

}  // namespace timbre
