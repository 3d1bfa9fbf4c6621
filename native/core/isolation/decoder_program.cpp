// timbre-decoder: decodes recordings for the process that starts it, behind walls that leave it those and nothing else.
#include <unistd.h>

#include "contain/walls.h"
#include "isolation/serve_decoder.h"

int main() {
  if (timbre::hide_memory() != 0) return 1;
  return timbre::serve_decoder(timbre::Channel(timbre::Descriptor(STDIN_FILENO)));
}
