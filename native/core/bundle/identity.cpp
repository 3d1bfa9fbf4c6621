#include "bundle/identity.h"

#include <xxhash.h>

#include <nlohmann/json.hpp>

#include "support/text.h"

namespace timbre::bundle {

namespace {

using nlohmann::json;

/// The form of the text that is digested. Another form is another identity of every model.
constexpr int kForm = 1;

/// Numbers as floating point, so that 20 and 20.0 are one; objects are sorted by their keys anyway.
json with_plain_numbers(const json& value) {
  if (value.is_number()) {
    return value.get<double>();
  }
  if (!value.is_structured()) {
    return value;
  }
  json plain = value;
  for (json& inner : plain) {
    inner = with_plain_numbers(inner);
  }
  return plain;
}

json describe(const FrontEndConfig& config) {
  return {{"type", config.type},
          {"sampleRate", config.sample_rate},
          {"frameLength", config.frame_length},
          {"frameShift", config.frame_shift},
          {"fftLength", config.fft_length},
          {"window", config.window},
          {"melBins", config.mel_bins},
          {"lowHz", config.low_hz},
          {"highHz", config.high_hz},
          {"sampleScale", config.sample_scale},
          {"preemphasis", config.preemphasis},
          {"removeDc", config.remove_dc},
          {"logFloor", config.log_floor},
          {"topDb", config.top_db},
          {"subtractMean", config.subtract_mean}};
}

std::string digest_of(const json& parts) {
  const std::string text = with_plain_numbers(parts).dump();
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(text.data(), text.size()));
  return hex_digits(canonical.digest);
}

}  // namespace

Pauses usual_pauses(const Manifest& manifest) { return manifest.pauses ? Pauses::cut : Pauses::keep; }

const std::string& identity(const Manifest& manifest, Pauses pauses) {
  return pauses == Pauses::cut ? manifest.identity : manifest.identity_with_pauses;
}

std::string identity_of(const json& manifest, const std::string& weights_digest, const FrontEndConfig& front_end,
                        Pauses pauses) {
  json parts = {{"form", kForm}, {"weights", weights_digest}, {"frontEnd", describe(front_end)}};
  const auto add = [&](const char* key) {
    if (const auto found = manifest.find(key); found != manifest.end() && !found->is_null()) {
      parts[key] = *found;
    }
  };
  add("network");
  if (pauses == Pauses::cut) {
    add("pauses");
  }
  return digest_of(parts);
}

std::string segmentation_identity_of(const json& manifest, const std::string& weights_digest) {
  json parts = {{"form", kForm}, {"kind", "segmentation"}, {"weights", weights_digest}};
  for (const char* key : {"network", "input"}) {
    if (const auto found = manifest.find(key); found != manifest.end()) {
      parts[key] = *found;
    }
  }
  return digest_of(parts);
}

}  // namespace timbre::bundle
