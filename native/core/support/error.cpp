#include "support/error.h"

#include <exception>
#include <new>

namespace timbre {

std::string_view name(ErrorCode code) {
  switch (code) {
#define TIMBRE_ERROR_CODE(name) \
  case ErrorCode::name:         \
    return #name;
#include "support/error_codes.inc"
#undef TIMBRE_ERROR_CODE
  }
  return "INTERNAL";
}

Error plain_error(ErrorCode code, std::string_view message) noexcept {
  try {
    return {code, std::string(message)};
  } catch (...) {
    return {code, "out of memory"};  // short enough to lie in the string itself
  }
}

Error caught_error(std::string_view doing, std::string_view remedy) noexcept {
  try {
    try {
      throw;
    } catch (const std::bad_alloc&) {
      return {ErrorCode::OUT_OF_MEMORY, "memory ran out while " + std::string(doing) + "; " + std::string(remedy)};
    } catch (const std::exception& error) {
      return {ErrorCode::INTERNAL, "an unexpected error while " + std::string(doing) + ": " + error.what()};
    }
  } catch (const std::bad_alloc&) {
    return plain_error(ErrorCode::OUT_OF_MEMORY, "memory ran out");
  } catch (...) {
    return plain_error(ErrorCode::INTERNAL, "an exception of unknown type");
  }
}

}  // namespace timbre
