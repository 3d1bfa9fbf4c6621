#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace timbre {

/// A number as a person would write it: "16000", "0.97", "1e-10".
std::string text(double value);

/// Seconds for messages, to the millisecond: "3.01 s".
std::string seconds_text(double seconds);

/// A name from a file as a message may show it: in quotes, cut to a readable length, control characters escaped.
std::string quote(std::string_view name);

/// A number of bytes for messages, to three digits: "768 MiB".
std::string bytes_text(std::uint64_t bytes);

/// "0f" for the byte 15, in order.
std::string hex_digits(std::span<const unsigned char> bytes);

}  // namespace timbre
