#include "support/error.h"

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

}  // namespace timbre
