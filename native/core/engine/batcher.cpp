#include "engine/batcher.h"

#include <algorithm>
#include <string>

#include "engine/guarded.h"
#include "engine/stages.h"

namespace timbre {

namespace {

/// Full batches in a row after which a cap set by exhausted memory is tried at twice its size.
constexpr std::size_t kRecovery = 16;

}  // namespace

std::vector<Result<bundle::Embedding>> Batcher::run(std::span<Prepared* const> batch, std::uint64_t& forward_calls,
                                                    const ForEach& for_each) {
  std::vector<Result<bundle::Embedding>> results;
  results.reserve(batch.size());
  while (results.size() < batch.size()) {
    const auto part = batch.subspan(results.size(), std::min(cap_, batch.size() - results.size()));
    const auto started = Clock::now();
    auto embeddings = guarded([&] {
      std::vector<bundle::Utterance> utterances;
      for (const Prepared* one : part) utterances.push_back({&one->features, &one->job->interrupt, &for_each});
      return model_.embed(utterances);
    });
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
      part[i]->job->timings.model = seconds_since(started);
      results.push_back(embeddings ? checked(std::move(embeddings.value()[i])) : embeddings.error());
    }
    if (embeddings && part.size() == cap_ && cap_ < max_batch_ && ++successes_ >= kRecovery) {
      cap_ = std::min(max_batch_, 2 * cap_);
      successes_ = 0;
    }
  }
  return results;
}

}  // namespace timbre
