#pragma once

#include <string>

namespace timbre {

/// A number as a person would write it: "16000", "0.97", "1e-10".
std::string text(double value);

/// Seconds for messages, to the millisecond: "3.01 s".
std::string seconds_text(double seconds);

}  // namespace timbre
