#include "bundle/verify.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "bundle/segmentation_model.h"
#include "bundle/synthetic.h"
#include "bundle/torch_model.h"
#include "features/front_end.h"
#include "support/base64.h"
#include "support/text.h"

namespace timbre::bundle {

namespace {

using nlohmann::ordered_json;

constexpr std::string_view kEncoding = "float32-base64";
struct Bounds {
  double relative_error;
  double one_minus_cosine;
};
// Another processor adds in another order; anything more is another model.
constexpr Bounds kFp32 = {1e-4, 1e-6};
// Against the same weights in fp32: bf16 rounds what is multiplied and what is kept, to 8 bits.
constexpr Bounds kBf16 = {0.03, 3e-4};
// int8 by 7 or 8 bits, as the processor has it.
constexpr Bounds kInt8 = {0.1, 5e-3};
// Random weights spread every rounding; what they make means nothing anyway.
constexpr Bounds kBf16Untrained = {0.25, 0.03};
constexpr Bounds kInt8Untrained = {0.5, 0.1};
// Of probabilities, where a rounding may tip a frame that hangs between two classes.
constexpr Bounds kSegmentation = {1e-3, 1e-6};
constexpr double kLongestSeconds = 60;

struct Recording {
  std::string signal;
  double seconds = 0;
  std::uint64_t seed = 0;
};

const std::array<Recording, 4> kRecordings = {
    Recording{"voice", 3.01, 1}, {"voice", 1.3, 7}, {"noise", 2, 3}, {"voice", 0.4, 12}};

/// What a bundle's network makes of a recording.
using Compute = std::function<Result<Embedding>(const Recording&)>;

Result<std::vector<float>> samples_of(const Recording& recording, int rate) {
  auto samples = synthesise(recording.signal, recording.seconds, recording.seed, rate);
  if (!samples) {
    return Error{ErrorCode::MODEL_INVALID, "the bundle was verified with a signal called \"" + recording.signal +
                                               "\", which this version cannot make: update timbre-voice"};
  }
  return *std::move(samples);
}

/// Waveform to vector.
Result<Embedding> embed(const Model& model, const FrontEnd& front_end, const Recording& recording) {
  const auto samples = samples_of(recording, model.manifest().front_end.sample_rate);
  if (!samples) {
    return samples.error();
  }
  const auto features = front_end.compute(samples.value());
  if (!features) {
    return features.error();
  }
  const Utterance one[] = {{&features.value()}};
  auto embeddings = model.embed(one);
  if (!embeddings) {
    return std::move(embeddings).error();
  }
  return std::move(embeddings).value().front();
}

/// Waveform, with silence behind, to the probabilities of the classes in every frame.
Result<Embedding> segment(const SegmentationModel& model, const Recording& recording) {
  auto window = samples_of(recording, model.manifest.front_end.sample_rate);
  if (!window) {
    return std::move(window).error();
  }
  window.value().resize(model.manifest.window_samples);
  auto found = model.network->log_probabilities({&window.value(), 1});
  if (!found) {
    return std::move(found).error();
  }
  Embedding values = std::move(found).value().front();
  std::ranges::transform(values, values.begin(), [](float x) { return std::exp(x); });
  return values;
}

std::optional<Embedding> decode(const std::string& text, std::size_t dim) {
  const auto bytes = from_base64(text);
  if (!bytes || bytes->size() != dim * sizeof(float)) {
    return std::nullopt;
  }
  Embedding embedding(dim);
  std::memcpy(embedding.data(), bytes->data(), bytes->size());
  return embedding;
}

VerifyCase compare(const Recording& recording, const Embedding& here, const Embedding& stored, const Bounds& bounds) {
  double difference = 0;
  double product = 0;
  double here_squared = 0;
  double stored_squared = 0;
  for (std::size_t i = 0; i < here.size(); ++i) {
    const double a = here[i];
    const double b = stored[i];
    difference += (a - b) * (a - b);
    product += a * b;
    here_squared += a * a;
    stored_squared += b * b;
  }
  VerifyCase found;
  found.name = recording.signal + ' ' + std::to_string(recording.seed) + ", " + seconds_text(recording.seconds);
  found.seconds = recording.seconds;
  found.relative_error = std::sqrt(difference / stored_squared);
  found.one_minus_cosine = 1 - product / std::sqrt(here_squared * stored_squared);
  // Not-a-number, which a stored vector of zeros gives, passes nothing.
  found.passed = found.relative_error <= bounds.relative_error && found.one_minus_cosine <= bounds.one_minus_cosine;
  return found;
}

/// The stored cases, or nothing where the manifest does not hold them in a form known here.
std::optional<std::vector<std::pair<Recording, Embedding>>> read_cases(const Manifest& manifest, std::size_t dim) {
  const auto root = ordered_json::parse(manifest.json, nullptr, /*allow_exceptions=*/false);
  std::vector<std::pair<Recording, Embedding>> cases;
  try {
    const auto& verification = root.at("verification");
    if (verification.at("encoding") != kEncoding) {
      return std::nullopt;
    }
    for (const auto& row : verification.at("cases")) {
      Recording recording{row.at("signal"), row.at("seconds"), row.at("seed")};
      auto embedding = decode(row.at("embedding"), dim);
      if (!embedding || !(recording.seconds > 0 && recording.seconds <= kLongestSeconds)) {
        return std::nullopt;
      }
      cases.emplace_back(std::move(recording), *std::move(embedding));
    }
  } catch (const std::exception&) {
    return std::nullopt;
  }
  return cases.empty() ? std::nullopt : std::optional(std::move(cases));
}

Result<std::string> vectors_of(const Compute& compute) {
  ordered_json cases = ordered_json::array();
  for (const Recording& recording : kRecordings) {
    const auto embedding = compute(recording);
    if (!embedding) {
      return embedding.error();
    }
    cases.push_back({{"signal", recording.signal},
                     {"seconds", recording.seconds},
                     {"seed", recording.seed},
                     {"embedding", to_base64(std::as_bytes(std::span(embedding.value())))}});
  }
  return ordered_json{{"encoding", kEncoding}, {"cases", std::move(cases)}}.dump();
}

const Bounds& bounds_of(const Model& model) {
  const Manifest& manifest = model.manifest();
  if (manifest.precision == "int8") return manifest.trained ? kInt8 : kInt8Untrained;
  if (model.precision() == "bf16") return manifest.trained ? kBf16 : kBf16Untrained;
  return kFp32;
}

/// Milliseconds of an utterance of 3 s through the network alone: the fastest of several.
Result<double> time_network(const Model& model) {
  constexpr double kSeconds = 3;
  constexpr int kTimes = 7;
  const auto samples = samples_of({"voice", kSeconds, 1}, model.manifest().front_end.sample_rate);
  if (!samples) {
    return samples.error();
  }
  auto front_end = FrontEnd::create(model.manifest().front_end);
  if (!front_end) {
    return std::move(front_end).error();
  }
  auto features = front_end.value()->compute(samples.value());
  if (!features) {
    return std::move(features).error();
  }
  const Utterance one[] = {{&features.value()}};
  double fastest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kTimes; ++i) {
    const auto began = Clock::now();
    auto embeddings = model.embed(one);
    if (!embeddings) {
      return std::move(embeddings).error();
    }
    fastest = std::min(fastest, std::chrono::duration<double, std::milli>(Clock::now() - began).count());
  }
  return fastest;
}

/// The stored cases, of `dim` values each, against what `compute` makes of their recordings. Fills in the report.
Result<VerifyReport> compare_all(VerifyReport report, std::size_t dim, const Bounds& bounds, const Compute& compute) {
  const Manifest& manifest = report.manifest;
  const auto cases = read_cases(manifest, dim);
  if (!cases) {
    return Error{ErrorCode::MODEL_INVALID, "the bundle '" + manifest.id +
                                               "' holds no vectors to verify it with, or damaged ones; make it again "
                                               "with `timbre models add`"};
  }
  report.max_relative_error = bounds.relative_error;
  report.max_one_minus_cosine = bounds.one_minus_cosine;
  report.passed = true;
  for (const auto& [recording, stored] : *cases) {
    const auto here = compute(recording);
    if (!here) {
      return here.error();
    }
    report.cases.push_back(compare(recording, here.value(), stored, bounds));
    report.passed = report.passed && report.cases.back().passed;
  }
  return report;
}

}  // namespace

Result<std::string> verification_vectors(const Model& model) {
  auto front_end = FrontEnd::create(model.manifest().front_end);
  if (!front_end) {
    return std::move(front_end).error();
  }
  return vectors_of([&](const Recording& recording) { return embed(model, *front_end.value(), recording); });
}

Result<std::string> verification_vectors(const SegmentationModel& model) {
  return vectors_of([&](const Recording& recording) { return segment(model, recording); });
}

Result<VerifyReport> verify_model(const Model& model) {
  const Manifest& manifest = model.manifest();
  auto front_end = FrontEnd::create(manifest.front_end);
  if (!front_end) {
    return std::move(front_end).error();
  }
  const Bounds& bounds = bounds_of(model);
  VerifyReport report;
  report.manifest = manifest;
  report.device = model.device();
  report.device_note = model.device_note();
  report.precision = model.precision();
  return compare_all(std::move(report), manifest.embedding_dim, bounds,
                     [&](const Recording& recording) { return embed(model, *front_end.value(), recording); });
}

Result<VerifyReport> verify_model(const SegmentationModel& model) {
  VerifyReport report;
  report.manifest = model.manifest;
  report.device = "cpu";
  report.precision = "fp32";
  return compare_all(std::move(report), conversation::kWindowFrames * conversation::kClasses, kSegmentation,
                     [&](const Recording& recording) { return segment(model, recording); });
}

Result<VerifyReport> verify_bundle(const std::string& path, const std::string& device, const CodeTrust& trust,
                                   const std::string& precision) {
  const auto manifest = read_manifest(path);
  if (!manifest) {
    return manifest.error();
  }
  if (manifest.value().kind == Kind::segmentation) {
    const auto segmentation = load_segmentation_model(path, trust);
    return segmentation ? verify_model(segmentation.value()) : segmentation.error();
  }
  auto model = load_torch_model(path, device, trust, precision);
  if (!model) {
    return std::move(model).error();
  }
  auto report = verify_model(*model.value());
  if (report) {
    auto milliseconds = time_network(*model.value());
    if (!milliseconds) {
      return std::move(milliseconds).error();
    }
    report.value().network_ms = milliseconds.value();
  }
  return report;
}

}  // namespace timbre::bundle
