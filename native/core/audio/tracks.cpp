#include "audio/tracks.h"

#include <utility>

namespace timbre {

namespace {

class TrackReader final : public Reader {
 public:
  TrackReader(std::unique_ptr<Reader> reader, int tracks, int track)
      : reader_(std::move(reader)), info_(reader_->info()) {
    info_.tracks = tracks;
    info_.track = track;
  }

  const StreamInfo& info() const override { return info_; }
  Result<std::size_t> read(std::span<float> interleaved) override { return reader_->read(interleaved); }
  Completeness completeness() const override { return reader_->completeness(); }

 private:
  const std::unique_ptr<Reader> reader_;
  StreamInfo info_;
};

}  // namespace

Error no_such_track(const std::string& name, int track, int tracks) {
  const std::string there = tracks == 1 ? "one audio track, track 0"
                                        : std::to_string(tracks) + " audio tracks, 0 to " + std::to_string(tracks - 1);
  return {ErrorCode::INVALID_ARGUMENT, name + " has " + there + "; there is no track " + std::to_string(track)};
}

std::unique_ptr<Reader> with_tracks(std::unique_ptr<Reader> reader, int tracks, int track) {
  if (tracks == 1) return reader;
  return std::make_unique<TrackReader>(std::move(reader), tracks, track);
}

}  // namespace timbre
