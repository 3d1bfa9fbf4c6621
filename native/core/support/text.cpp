#include "support/text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace timbre {

std::string text(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

std::string seconds_text(double seconds) { return text(std::round(seconds * 1000) / 1000) + " s"; }

}  // namespace timbre
