#include "engine/batcher.h"

#include <algorithm>
#include <string>

#include "engine/stages.h"

namespace timbre {

namespace {

/// Full batches in a row after which a cap set by exhausted memory is tried at twice its size.
constexpr std::size_t kRecovery = 16;

}  // namespace

std::vector<Result<bundle::Embedding>> Batcher::run(std::span<const Prepared> batch, std::uint64_t& forward_calls) {
  std::vector<Result<bundle::Embedding>> results;
  results.reserve(batch.size());
  while (results.size() < batch.size()) {
    const auto part = batch.subspan(results.size(), std::min(cap_, batch.size() - results.size()));
    std::vector<const Matrix*> features(part.size());
    std::transform(part.begin(), part.end(), features.begin(), [](const Prepared& p) { return &p.features; });
    const auto started = Clock::now();
    auto embeddings = guarded([&] { return model_.embed(features); });
    ++forward_calls;
    if (embeddings && embeddings.value().size() != part.size()) {
      embeddings =
          Error{ErrorCode::INFERENCE_FAILED, "the model gave " + std::to_string(embeddings.value().size()) +
                                                 " embeddings for " + std::to_string(part.size()) + " utterances"};
    }
    if (!embeddings && embeddings.error().code == ErrorCode::OUT_OF_MEMORY && part.size() > 1) {
      cap_ = part.size() / 2;
      successes_ = 0;
      continue;
    }
    for (std::size_t i = 0; i < part.size(); ++i) {
      part[i].job->timings.model = seconds_since(started);
      if (embeddings) {
        results.push_back(checked(std::move(embeddings.value()[i])));
      } else {
        results.push_back(embeddings.error());
      }
    }
    if (embeddings && part.size() == cap_ && cap_ < max_batch_ && ++successes_ >= kRecovery) {
      cap_ = std::min(max_batch_, 2 * cap_);
      successes_ = 0;
    }
  }
  return results;
}

}  // namespace timbre
