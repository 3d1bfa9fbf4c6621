#include "audio/limits.h"

#include "support/text.h"

namespace timbre {

Error too_long(const std::string& name, double seconds, const AudioLimits& limits) {
  return {ErrorCode::AUDIO_TOO_LONG, name + " has " + (seconds > 0 ? seconds_text(seconds) : std::string("more")) +
                                         " of audio; allowed are " + seconds_text(limits.max_seconds) +
                                         "; cut it or raise maxSeconds"};
}

Error too_large(const std::string& name, std::uint64_t bytes, const AudioLimits& limits) {
  return {ErrorCode::AUDIO_TOO_LARGE, name + " has " + std::to_string(bytes) + " bytes; allowed are " +
                                          std::to_string(limits.max_bytes) + "; cut it or raise maxBytes"};
}

}  // namespace timbre
