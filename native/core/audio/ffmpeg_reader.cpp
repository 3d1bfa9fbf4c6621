#include "audio/ffmpeg_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>

#include "audio/ffmpeg_log.h"
#include "audio/matroska_stream.h"
#include "audio/tracks.h"
#include "support/text.h"

namespace timbre {

namespace {

using namespace std::chrono_literals;

/// How often a wait for ffmpeg looks at the interrupt.
constexpr std::chrono::milliseconds kGlance = 20ms;
/// Shorter jumps of the time stamps are the jitter of recorders that store when audio came in.
constexpr double kShortestGap = 0.1;
/// Headers round, and count the delay of codecs.
constexpr double kShortestCut = 0.3;
/// How far clocks of recorders and of sound cards go apart, as a share.
constexpr double kClockDrift = 0.005;

/// Containers that store when their audio was recorded. The stamps of the others are what ffmpeg makes of positions.
bool has_time_stamps(const std::string& demuxer) {
  static constexpr std::array<std::string_view, 7> kStamped = {"mov",    "matroska", "asf", "flv",
                                                               "mpegts", "mpeg",     "ogg"};
  return std::find(kStamped.begin(), kStamped.end(), demuxer) != kStamped.end();
}

/// Reads ffmpeg's output.
class FfmpegReader final : public Reader {
 public:
  FfmpegReader(std::string name, FfmpegRequest request, std::unique_ptr<FfmpegRun> run, std::chrono::seconds patience,
               const Interrupt& interrupt)
      : name_(std::move(name)),
        request_(std::move(request)),
        run_(std::move(run)),
        patience_(patience),
        interrupt_(interrupt),
        log_(request_.demuxer) {}

  Status open() {
    if (auto filled = fill([&] { return stream_.size() > 0; }); !filled) return filled;
    info_.sample_rate = stream_.sample_rate();
    info_.channels = stream_.channels();
    if (stream_.size() == 0) return verdict();
    return ok();
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::size_t> read(std::span<float> interleaved) override {
    const auto channels = static_cast<std::size_t>(info_.channels);
    const std::size_t wanted = interleaved.size() / channels * channels;
    if (auto filled = fill([&] { return stream_.size() >= wanted; }); !filled) return filled.error();
    note_jumps();
    if (const std::size_t silence = due_silence(); silence > 0) {
      const std::size_t frames = std::min(silence, wanted / channels);
      std::fill_n(interleaved.begin(), frames * channels, 0.0F);
      silence_.front().frames -= frames;
      if (silence_.front().frames == 0) silence_.pop_front();
      return frames;
    }
    // Up to the next silence.
    std::size_t most = wanted / channels;
    if (!silence_.empty()) most = std::min<std::size_t>(most, silence_.front().at - read_);
    const std::size_t frames = stream_.take(interleaved.first(most * channels)) / channels;
    read_ += frames;
    if (frames == 0) {
      if (auto end = verdict(); !end) return end.error();
    }
    return frames;
  }

  Completeness completeness() const override {
    Completeness result;
    // What AMR leaves out in pauses looks like damage to decoders without comfort noise.
    if (!leaves_pauses_out()) {
      result = log_.completeness();
      const double drift = has_time_stamps(request_.demuxer) ? stream_.drift() - missing_ : 0;
      const double seconds = static_cast<double>(read_) / info_.sample_rate;
      const double missing = missing_ + (drift > kShortestGap + kClockDrift * seconds ? drift : 0);
      if (missing > 0) {
        const bool told = !result.complete();
        result.add({Shortfall::kGaps, missing, "has gaps: its time stamps pass over " + seconds_text(missing)});
        if (told) result.missing_seconds = missing;
      }
      const std::optional<double> declared = log_.declared_seconds();
      if (declared && has_time_stamps(request_.demuxer) && seconds + missing + kShortestCut < *declared) {
        const double cut = *declared - seconds - missing;
        result.add({Shortfall::kTruncated, cut,
                    "is truncated: its header declares " + seconds_text(*declared) + " of audio, " +
                        seconds_text(seconds) + " are there"});
        result.missing_seconds = cut + missing;
      }
    }
    return result;
  }

 private:
  struct Silence {
    std::uint64_t at = 0;  ///< the number of the frame that it stands in front of
    std::size_t frames = 0;
  };

  bool leaves_pauses_out() const { return info_.format.find("/AMR") != info_.format.npos; }

  void note_jumps() {
    name_format();
    constexpr double kLongestPause = 3600;
    for (const MatroskaStream::Jump& jump : stream_.take_jumps()) {
      if (leaves_pauses_out()) {
        const double seconds = std::min(jump.seconds, kLongestPause);
        silence_.push_back({jump.frame, static_cast<std::size_t>(std::lround(seconds * info_.sample_rate))});
      } else if (jump.seconds >= kShortestGap && has_time_stamps(request_.demuxer)) {
        missing_ += jump.seconds;
      }
    }
  }

  std::size_t due_silence() const {
    return !silence_.empty() && silence_.front().at <= read_ ? silence_.front().frames : 0;
  }

  /// Once ffmpeg has said what it reads.
  void name_format() {
    log_.add(run_->output().take_said());
    if (log_.tracks() == 0) return;
    info_.format = request_.container + "/" + log_.codec();
    info_.tracks = log_.tracks();
    info_.track = request_.track.value_or(log_.track());
  }

  /// Reads until it is enough, or no more comes.
  template <typename Enough>
  Status fill(Enough enough) {
    std::array<std::uint8_t, 1 << 16> block;
    while (!enough() && !run_->output().ended()) {
      if (auto stop = interrupt_.check()) return *stop;
      if (waited_ > patience_) return too_slow();
      const auto asked = Clock::now();
      const std::size_t got = run_->output().read(block, kGlance);
      waited_ += Clock::now() - asked;
      stream_.add(std::span(block).first(got));
      log_.add(run_->output().take_said());
      if (!stream_.sound()) {
        return Error{ErrorCode::INTERNAL, "ffmpeg answered with something else than audio for " + name_};
      }
    }
    return ok();
  }

  Error too_slow() const {
    return {ErrorCode::AUDIO_CORRUPT, "ffmpeg did not finish " + name_ + " within " +
                                          std::to_string(patience_.count()) + " s; convert it to WAV or FLAC"};
  }

  /// How it ended, once stdout is closed. What it could not decode is told by completeness() where there is anything.
  Status verdict() {
    std::optional<ChildEnd> end;
    for (auto asked = Clock::now(); !(end = run_->wait(kGlance)); asked = Clock::now()) {
      if (auto stop = interrupt_.check()) return *stop;
      waited_ += Clock::now() - asked;
      if (waited_ > patience_) return too_slow();
    }
    log_.end();
    name_format();
    if (end->kind == ChildEnd::Kind::kUnknown) {
      return Error{ErrorCode::INTERNAL, "whether ffmpeg read all of " + name_ +
                                            " is not known: this process ignores SIGCHLD, or takes the status of "
                                            "children that are not its own"};
    }
    if (read_ > 0) {
      if (end->success()) return ok();
      // It gives up where nearly nothing can be decoded, or was ended by a limit.
      return Error{ErrorCode::AUDIO_CORRUPT,
                   name_ + " (" + request_.container + ") is damaged: ffmpeg " + reason(*end)};
    }
    if (request_.track && *request_.track >= log_.tracks() && log_.tracks() > 0) {
      return no_such_track(name_, *request_.track, log_.tracks());
    }
    if (log_.says("matches no streams") || log_.says("does not contain any stream") ||
        (log_.tracks() == 0 && log_.says("Invalid argument"))) {
      return Error{ErrorCode::AUDIO_UNSUPPORTED, name_ + " (" + request_.container + ") holds no audio track"};
    }
    if (log_.tracks() > 0 && (log_.says("not on whitelist") || log_.says("Decoder (codec") ||
                              log_.says("Unknown decoder") || log_.says("Decoding requested, but no decoder"))) {
      return Error{ErrorCode::AUDIO_UNSUPPORTED, name_ + " (" + request_.container + ") is in the codec " +
                                                     log_.codec() +
                                                     ", which is not read here; convert it to WAV, FLAC, Ogg or MP3"};
    }
    if (log_.says("Unknown input format")) {
      return Error{ErrorCode::AUDIO_UNSUPPORTED, name_ + " is " + request_.container +
                                                     ", which this ffmpeg does not read; convert it to WAV or FLAC"};
    }
    if (end->success() && log_.last_error().empty()) {
      return Error{ErrorCode::AUDIO_CORRUPT, name_ + " (" + request_.container + ") holds no audio (0 samples)"};
    }
    return Error{ErrorCode::AUDIO_CORRUPT, name_ + " (" + request_.container + ") is damaged: ffmpeg " + reason(*end)};
  }

  std::string reason(const ChildEnd& end) const {
    if (end.kind == ChildEnd::Kind::kSignal) return "was ended by signal " + std::to_string(end.value);
    if (!log_.last_error().empty()) return "says \"" + log_.last_error() + "\"";
    return "ended with status " + std::to_string(end.value);
  }

  const std::string name_;
  const FfmpegRequest request_;
  const std::unique_ptr<FfmpegRun> run_;
  const std::chrono::seconds patience_;
  const Interrupt& interrupt_;
  Clock::duration waited_{};  ///< for ffmpeg; what is done with its samples meanwhile may take longer
  MatroskaStream stream_;
  FfmpegLog log_;
  StreamInfo info_;
  std::deque<Silence> silence_;
  double missing_ = 0;  ///< seconds that the time stamps pass over
  std::uint64_t read_ = 0;
};

}  // namespace

Result<std::unique_ptr<Reader>> open_ffmpeg(const Input& input, const FfmpegRequest& request, double max_seconds,
                                            const Interrupt& interrupt, const FfmpegHost& ffmpeg) {
  auto run = ffmpeg.start(input, request, max_seconds);
  if (!run) return std::move(run).error();
  auto reader = std::make_unique<FfmpegReader>(input.name(), request, std::move(run).value(),
                                               ffmpeg_patience(max_seconds), interrupt);
  if (auto opened = reader->open(); !opened) return std::move(opened).error();
  return std::unique_ptr<Reader>(std::move(reader));
}

}  // namespace timbre
