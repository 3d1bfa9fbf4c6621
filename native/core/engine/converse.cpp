#include "engine/converse.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "audio/decode.h"
#include "engine/stages.h"

namespace timbre {

namespace {

using conversation::Diariser;
using conversation::Recipe;

/// Windows that are segmented at a time: as many as keep many workers busy, and 40 s of audio more in memory.
constexpr std::size_t kWindowsAtOnce = 16;
/// Pieces of one call on a processor, so that each worker gets several shares of what is ready at a time.
constexpr std::size_t kPiecesInCall = 8;
/// Activations of the segmentation network with the first window of a call, and with each further one.
constexpr std::uint64_t kSegmentationBytes = 8ULL << 20U;
constexpr std::uint64_t kFurtherWindowBytes = 4ULL << 20U;

/// Hands samples to the diariser and tells how far it is.
class DiariserSink final : public SampleSink {
 public:
  DiariserSink(Diariser& diariser, const ConversationRequest& request) : diariser_(diariser), request_(request) {}

  double spent() const { return spent_; }

  void expect(double seconds) override { total_ = seconds; }

  Status take(std::span<const float> samples) override {
    const auto started = Clock::now();
    auto added = diariser_.add(samples);
    spent_ += seconds_since(started);
    if (const std::size_t finished = diariser_.finished_samples(); added && finished != told_ && request_.progress) {
      told_ = finished;
      request_.progress(static_cast<double>(finished) / conversation::kSampleRate, total_);
    }
    return added;
  }

  void restart() override {
    diariser_.restart();
    told_ = 0;
  }

 private:
  Diariser& diariser_;
  const ConversationRequest& request_;
  std::size_t told_ = 0;
  double total_ = 0;
  double spent_ = 0;  ///< seconds outside of decoding
};

/// Embeddings of pieces that are as long as each other: front end, then the network.
Result<std::vector<std::vector<float>>> embed_pieces(std::span<const std::span<const float>> pieces,
                                                     const FrontEnd& front_end, const bundle::Model& model,
                                                     const Interrupt& interrupt) {
  std::vector<Matrix> features;
  features.reserve(pieces.size());
  for (const auto piece : pieces) {
    auto made = front_end.compute(piece, interrupt);
    if (!made) return std::move(made).error();
    features.push_back(std::move(made).value());
  }
  std::vector<bundle::Utterance> utterances;
  utterances.reserve(features.size());
  for (const Matrix& matrix : features) utterances.push_back({&matrix, &interrupt});
  auto results = model.embed(utterances);
  if (!results) return std::move(results).error();
  std::vector<std::vector<float>> embeddings;
  embeddings.reserve(results.value().size());
  for (auto& result : results.value()) {
    auto embedding = checked(std::move(result));
    if (!embedding) return std::move(embedding).error();
    embeddings.push_back(std::move(embedding).value());
  }
  return embeddings;
}

}  // namespace

Result<ConversationResult> converse(Job& job, const FrontEnd& front_end, const bundle::Model& model,
                                    const EngineOptions& options, ContainedDecoder* decoder, const ForEach& for_each) {
  ConversationRequest& request = job.conversation->request;
  const bundle::Manifest& manifest = model.manifest();
  const Recipe recipe = conversation::recipe_for(manifest.family);
  const auto piece = static_cast<std::size_t>(recipe.piece * conversation::kSampleRate);
  if (const std::size_t frames = front_end.frames(piece); frames < manifest.shortest_frames) {
    return Error{ErrorCode::INVALID_ARGUMENT,
                 "the model '" + manifest.id +
                     "' embeds nothing as short as the 1.5 s that conversations are cut into: "
                     "take another model"};
  }
  const std::size_t pieces_in_call = model.batches() ? options.max_batch : kPiecesInCall;
  // Every worker gets some.
  const std::size_t windows_in_call =
      std::clamp<std::size_t>(kWindowsAtOnce / options.workers, 1, conversation::kMostWindows);

  const auto asked = Clock::now();
  const std::uint64_t needed =
      Diariser::bytes(recipe, request.max_seconds, manifest.embedding_dim, kWindowsAtOnce) +
      std::min(options.workers, kWindowsAtOnce) *
          std::max(kSegmentationBytes + (windows_in_call - 1) * kFurtherWindowBytes,
                   pieces_in_call * (sizeof(float) * piece + model.activation_bytes(front_end.frames(piece))));
  if (auto reserved = job.place.reserve_working(needed, job.interrupt); !reserved) return std::move(reserved).error();
  job.timings.queue += seconds_since(asked);

  Diariser diariser(recipe,
                    {.segment = request.segment,
                     .embed = [&](auto pieces) { return embed_pieces(pieces, front_end, model, job.interrupt); },
                     .for_each = for_each,
                     .windows_at_once = kWindowsAtOnce,
                     .windows_in_call = windows_in_call,
                     .pieces_in_call = pieces_in_call},
                    job.interrupt);
  DiariserSink sink(diariser, request);
  AudioLimits limits = options.limits;
  limits.max_seconds = request.max_seconds;
  AudioTimings decoding;
  auto audio = decoder ? decoder->decode_into(sink, request.source, limits, job.interrupt, decoding, request.selection)
                       : decode_into(sink, request.source, conversation::kSampleRate, limits, job.interrupt, &decoding,
                                     request.selection);
  request.source = AudioPath{};
  job.place.release_input();
  if (!audio) return std::move(audio).error();

  const auto started = Clock::now();
  auto found = diariser.finish(request.counts);
  if (!found) return std::move(found).error();
  job.timings.decode = decoding.decode;
  job.timings.resample = decoding.resample;
  job.timings.model = sink.spent() + seconds_since(started);
  job.timings.total = seconds_since(job.admitted);
  return ConversationResult{std::move(found).value(), std::move(audio).value(), job.timings};
}

}  // namespace timbre
