// timbre-decoder: decodes recordings for the process that starts it, behind walls that leave it those and nothing else.
#include <malloc.h>
#include <unistd.h>

#include "contain/walls.h"
#include "isolation/serve_decoder.h"

namespace {

/// What is kept of the heap from one recording to the next: samples of minutes. Pages that are given back and taken
/// anew cost more than decoding does.
constexpr int kKept = 16 << 20;

}  // namespace

int main() {
  ::mallopt(M_MMAP_THRESHOLD, kKept);
  ::mallopt(M_TRIM_THRESHOLD, kKept);
  if (timbre::hide_memory() != 0) return 1;
  return timbre::serve_decoder(timbre::Channel(timbre::Descriptor(STDIN_FILENO)));
}
