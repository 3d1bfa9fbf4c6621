#include "support/text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace timbre {

namespace {

constexpr std::size_t kShownCharacters = 80;
constexpr char kHexDigits[] = "0123456789abcdef";

}  // namespace

std::string text(double value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

std::string seconds_text(double seconds) { return text(std::round(seconds * 1000) / 1000) + " s"; }

std::string quote(std::string_view name) {
  std::string text = "'";
  for (const char c : name.substr(0, kShownCharacters)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      text += {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
    } else {
      text += c;
    }
  }
  return text + (name.size() > kShownCharacters ? "...'" : "'");
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array kUnits = {" bytes", " KiB", " MiB", " GiB", " TiB"};
  constexpr double kStep = 1024;
  double amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; amount >= kStep && unit + 1 < kUnits.size(); ++unit) amount /= kStep;
  const double precision = unit == 0 || amount >= 100 ? 1 : amount >= 10 ? 10 : 100;
  return text(std::round(amount * precision) / precision) + kUnits[unit];
}

std::string hex_digits(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) {
    text += {kHexDigits[byte >> 4], kHexDigits[byte & 15]};
  }
  return text;
}

}  // namespace timbre
