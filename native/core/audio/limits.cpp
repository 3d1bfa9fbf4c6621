#include "audio/limits.h"

#include "support/text.h"

namespace timbre {

Error too_long(const std::string& name, double seconds, const AudioLimits& limits) {
  return {ErrorCode::AUDIO_TOO_LONG, name + " has " + (seconds > 0 ? seconds_text(seconds) : std::string("more")) +
                                         " of audio; allowed are " + seconds_text(limits.max_seconds) +
                                         "; cut it or raise maxSeconds"};
}

std::uint64_t most_samples(const AudioLimits& limits) {
  constexpr double kASecond = 8 * 48'000;
  return static_cast<std::uint64_t>(limits.max_seconds * kASecond);
}

Error too_many_samples(const std::string& name, const AudioLimits& limits) {
  return {ErrorCode::AUDIO_TOO_LONG, name + " has more samples, in all its channels, than the " +
                                         std::to_string(most_samples(limits)) +
                                         " that are allowed; resample it, mix it down, cut it or raise maxSeconds"};
}

Error too_large(const std::string& name, std::uint64_t bytes, const AudioLimits& limits) {
  return {ErrorCode::AUDIO_TOO_LARGE, name + " has " + std::to_string(bytes) + " bytes; allowed are " +
                                          std::to_string(limits.max_bytes) + "; cut it or raise maxBytes"};
}

}  // namespace timbre
