#pragma once

#include <string>
#include <string_view>

namespace timbre {

/// Stable error codes of the core, of those in `scripts/errors.json`, which gives the meaning of each.
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

/// An error with a fixed message, which a shortage of memory may shorten but not prevent.
Error plain_error(ErrorCode code, std::string_view message) noexcept;

/// The same error once more; a shortage of memory may shorten its message but not prevent it.
inline Error copy_of(const Error& error) noexcept { return plain_error(error.code, error.message); }

/// The exception being handled, as an error: OUT_OF_MEMORY for std::bad_alloc, else INTERNAL. `doing` completes "memory
/// ran out while", `remedy` says what helps against it. Only inside a catch block.
Error caught_error(std::string_view doing, std::string_view remedy) noexcept;

}  // namespace timbre
