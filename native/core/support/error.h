#pragma once

#include <string>
#include <string_view>

namespace timbre {

/// Stable error codes; `scripts/errors.json` gives the meaning of each.
enum class ErrorCode {
#define TIMBRE_ERROR_CODE(name) name,
#include "support/error_codes.inc"
#undef TIMBRE_ERROR_CODE
};

/// The code as it appears in every interface, e.g. "AUDIO_CORRUPT".
std::string_view name(ErrorCode code);

/// Why a call failed: a stable code, and a sentence that says what was wrong and what to do.
struct Error {
  ErrorCode code;
  std::string message;
};

}  // namespace timbre
