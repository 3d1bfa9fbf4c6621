#include "audio/decode.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <optional>
#include <utility>

#include "audio/ffmpeg_reader.h"
#include "audio/input.h"
#include "audio/limits.h"
#include "audio/mixer.h"
#include "audio/open_recording.h"
#include "audio/reader.h"
#include "audio/resampler.h"
#include "audio/sndfile_reader.h"
#include "support/text.h"

namespace timbre {

namespace {

/// Frames decoded between two looks at the limits and the interrupt.
constexpr std::size_t kBlock = 16384;

/// Samples beyond this are no audio in [-1, 1], whatever was meant: integers that nobody scaled, or noise.
constexpr float kLargest = 128;

/// Frames that may be missing at the end: what a codec's delay and padding explain.
constexpr std::uint64_t kSlack = 4608;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// 16-bit audio has its last step here, 8-bit audio a little below.
constexpr float kFullScale = 0.992F;

/// What is wrong with samples, if anything is. Adds those at full scale to `clipped`.
std::optional<std::string> fault(std::span<const float> samples, std::uint64_t& clipped) {
  float largest = 0;
  for (const float x : samples) {
    if (!std::isfinite(x)) return "holds samples that are not finite (NaN or infinite)";
    const float size = std::abs(x);
    largest = std::max(largest, size);
    clipped += size >= kFullScale ? 1 : 0;
  }
  if (largest <= kLargest) return std::nullopt;
  return "holds samples up to " + text(largest) + "; floating-point audio lies in [-1, 1] (divide 16-bit by 32768)";
}

std::optional<Error> refused(const std::string& name, const StreamInfo& info, const AudioLimits& limits) {
  if (info.channels < 1 || info.channels > limits.max_channels) {
    return Error{ErrorCode::AUDIO_UNSUPPORTED, name + " has " + std::to_string(info.channels) +
                                                   " channels; allowed are 1 to " +
                                                   std::to_string(limits.max_channels) + "; mix it down"};
  }
  if (info.sample_rate < limits.min_sample_rate || info.sample_rate > limits.max_sample_rate) {
    return Error{ErrorCode::AUDIO_UNSUPPORTED, name + " has a sample rate of " + std::to_string(info.sample_rate) +
                                                   " Hz; allowed are " + std::to_string(limits.min_sample_rate) +
                                                   " to " + std::to_string(limits.max_sample_rate) +
                                                   " Hz; resample it"};
  }
  const double seconds = static_cast<double>(info.frames) / info.sample_rate;
  if (seconds > limits.max_seconds) return too_long(name, seconds, limits);
  if (info.frames > most_samples(limits) / static_cast<std::uint64_t>(info.channels)) {
    return too_many_samples(name, limits);
  }
  return std::nullopt;
}

/// Decodes the links of a recording one behind the other.
class Decoding {
 public:
  /// `sink`: takes the samples in place of the result. `strongest`: the channel that is taken of a recording whose
  /// channels turned out to cancel each other.
  Decoding(const Input& input, int sample_rate, const AudioSelection& selection, const AudioLimits& limits,
           const Interrupt& interrupt, AudioTimings& timings, const FfmpegHost& ffmpeg, SampleSink* sink = nullptr,
           std::optional<int> strongest = std::nullopt)
      : sink_(sink),
        strongest_(strongest),
        input_(input),
        sample_rate_(sample_rate),
        selection_(selection),
        limits_(limits),
        interrupt_(interrupt),
        timings_(timings),
        ffmpeg_(ffmpeg) {}

  /// The channel to begin anew with, where a sink has taken samples of channels that cancel each other.
  std::optional<int> begin_anew_with() const { return begin_anew_with_; }

  /// Nothing else counts where begin_anew_with() is set afterwards.
  Result<Audio> run() {
    audio_.info.channels_cancel = strongest_.has_value();
    auto link = first_link(input_);
    if (!link) return std::move(link).error();
    if (auto read = add(link.value()); !read) return std::move(read).error();
    const auto following = [&] {
      return begin_anew_with_ ? std::optional<Result<Link>>() : next_link(input_, link.value());
    };
    while (auto next = following()) {
      if (!*next) {
        unreadable(link.value(), next->error());
        break;
      }
      link = std::move(*next);
      align();
      const std::size_t before = audio_.samples.size();
      auto read = add(link.value());
      if (read) continue;
      const ErrorCode code = read.error().code;
      if (code != ErrorCode::AUDIO_CORRUPT && code != ErrorCode::AUDIO_UNSUPPORTED) return std::move(read).error();
      unreadable(link.value(), read.error());
      // What it gave until then is left out, unless it has been handed on.
      if (sink_) {
        seconds_ = static_cast<double>(taken_ + audio_.samples.size()) / sample_rate_;
      } else {
        audio_.samples.resize(before);
      }
      break;
    }
    switch (input_.change()) {
      case Input::Change::kRewritten:
        return Error{ErrorCode::AUDIO_CORRUPT,
                     input_.name() + " was changed while it was read; try again once it is written"};
      case Input::Change::kGrew:
        audio_.info.completeness.add(
            {Shortfall::kGrowing, std::nullopt, "was still being written; what had been written by then was read"});
        break;
      case Input::Change::kNone:
        break;
    }
    audio_.info.seconds = seconds_;
    audio_.info.clipped_share = static_cast<double>(clipped_) / static_cast<double>(samples_);
    return std::move(audio_);
  }

 private:
  /// Resampling gives a whole number of samples for a link: what is rounded off would add up over many.
  void align() {
    const auto due = static_cast<std::uint64_t>(std::llround(seconds_ * sample_rate_));
    const std::uint64_t made = taken_ + audio_.samples.size();
    if (made < due) audio_.samples.insert(audio_.samples.end(), due - made, 0.0F);
    if (made > due) audio_.samples.resize(audio_.samples.size() - std::min(made - due, audio_.samples.size()));
  }

  void unreadable(const Link& link, const Error& error) {
    audio_.info.completeness.add({Shortfall::kDamaged, std::nullopt,
                                  "is damaged: what follows at byte " + std::to_string(link.layout.end) +
                                      " cannot be read (" + error.message + ")"});
  }

  /// Adds the audio of a link, once more from one channel where its channels cancel each other.
  Status add(const Link& link) {
    const std::size_t before = audio_.samples.size();
    auto cancelled = drain(link, selection_.channel);
    if (!cancelled) return std::move(cancelled).error();
    if (const auto strongest = cancelled.value()) {
      if (sink_) {
        begin_anew_with_ = strongest;
        return ok();
      }
      audio_.samples.resize(before);
      auto again = drain(link, strongest);
      if (!again) return std::move(again).error();
      audio_.info.channels_cancel = true;
    }
    return ok();
  }

  /// Adds the audio of a link, unless its channels cancel each other: then gives the strongest, and nothing counts.
  Result<std::optional<int>> drain(const Link& link, std::optional<int> channel) {
    const std::string& name = input_.name();
    const auto opening = Clock::now();
    auto opened = open_link(input_, link, selection_, limits_, interrupt_, ffmpeg_);
    timings_.decode += since(opening);
    if (!opened) return std::move(opened).error();
    Reader& reader = *opened.value().reader;
    if (auto error = refused(name, reader.info(), limits_)) return *error;
    const int rate = reader.info().sample_rate;
    const auto channels = static_cast<std::size_t>(reader.info().channels);
    if (channel && *channel >= reader.info().channels) return no_such_channel(reader.info().channels);
    if (strongest_ && *strongest_ < reader.info().channels) channel = strongest_;
    if (sink_ && samples_ == 0 && reader.info().frames > 0) {
      sink_->expect(static_cast<double>(reader.info().frames) / rate);
    }
    auto resampler = Resampler::create(rate, sample_rate_);
    if (!resampler) return std::move(resampler).error();

    Mixer mixer(channels, channel);
    const std::uint64_t end = end_of(link.layout, reader.info());
    const auto most = static_cast<std::uint64_t>((limits_.max_seconds - seconds_) * rate);
    std::vector<float> block(kBlock * channels);
    std::uint64_t frames = 0;
    std::uint64_t clipped = 0;
    for (;;) {
      if (auto stop = interrupt_.check()) return *stop;
      const auto decoding = Clock::now();
      auto read = reader.read(block);
      if (!read) return std::move(read).error();
      const auto kept = static_cast<std::size_t>(std::min<std::uint64_t>(read.value(), end - frames));
      const std::span<float> samples = std::span(block).first(kept * channels);
      if (auto wrong = fault(samples, clipped)) return Error{ErrorCode::AUDIO_CORRUPT, name + " " + *wrong};
      const std::span<const float> mono = mixer.mix(samples);
      timings_.decode += since(decoding);
      frames += mono.size();
      if (frames > most) return too_long(name, 0, limits_);
      if (samples_ + frames * channels > most_samples(limits_)) return too_many_samples(name, limits_);

      const auto resampling = Clock::now();
      const Status made =
          mono.empty() ? resampler.value().finish(audio_.samples) : resampler.value().push(mono, audio_.samples);
      if (!made) return made.error();
      timings_.resample += since(resampling);
      if (sink_) {
        if (auto taken = sink_->take(audio_.samples); !taken) return std::move(taken).error();
        taken_ += audio_.samples.size();
        audio_.samples.clear();
      }
      if (mono.empty()) break;
    }
    if (frames == 0) return Error{ErrorCode::AUDIO_CORRUPT, name + " holds no audio (0 samples)"};
    if (const auto strongest = mixer.strongest_of_cancelled(); strongest && !strongest_) return strongest;

    const StreamInfo& info = reader.info();
    AudioInfo& all = audio_.info;
    if (samples_ == 0) {
      all.sample_rate = rate;
      all.channels = info.channels;
      all.format = info.format;
      all.tracks = info.tracks;
      all.track = info.track;
      all.channel = channel;
    }
    all.channels_alike = mixer.alike() && (samples_ == 0 || all.channels_alike);
    seconds_ += static_cast<double>(frames) / rate;
    samples_ += frames * channels;
    clipped_ += clipped;
    all.completeness.add(completeness(link, reader, frames));
    return std::optional<int>{};
  }

  /// The frame that the padding of a codec's last block begins with, where the container tells.
  static std::uint64_t end_of(const Layout& layout, const StreamInfo& info) {
    constexpr std::uint64_t kLongestBlock = 8192;
    const std::uint64_t exact = layout.exact_frames;
    return exact > 0 && exact < info.frames && info.frames - exact <= kLongestBlock ? exact : ~0ULL;
  }

  Completeness completeness(const Link& link, const Reader& reader, std::uint64_t frames) const {
    Completeness result = link.layout.completeness;
    // Errors of a decoder are what a cut that is known already looks like to it.
    if (result.complete()) result = reader.completeness();
    const StreamInfo& info = reader.info();
    const std::uint64_t declared = std::max(info.frames, link.layout.declared_frames);
    if (frames + kSlack < declared) {
      const double missing = static_cast<double>(declared - frames) / info.sample_rate;
      Completeness cut{Shortfall::kTruncated, missing,
                       "is truncated: it declares " + seconds_text(static_cast<double>(declared) / info.sample_rate) +
                           " of audio and ends after " + seconds_text(static_cast<double>(frames) / info.sample_rate)};
      if (result.shortfall <= Shortfall::kDamaged) result = std::move(cut);
    }
    return result;
  }

  Error no_such_channel(int channels) const {
    const std::string there = channels == 1
                                  ? "one channel, channel 0"
                                  : std::to_string(channels) + " channels, 0 to " + std::to_string(channels - 1);
    return {ErrorCode::INVALID_ARGUMENT,
            input_.name() + " has " + there + "; there is no channel " + std::to_string(*selection_.channel)};
  }

  SampleSink* const sink_;
  const std::optional<int> strongest_;
  std::optional<int> begin_anew_with_;
  const Input& input_;
  const int sample_rate_;
  const AudioSelection& selection_;
  const AudioLimits& limits_;
  const Interrupt& interrupt_;
  AudioTimings& timings_;
  const FfmpegHost& ffmpeg_;
  Audio audio_;
  double seconds_ = 0;
  std::uint64_t samples_ = 0;  ///< of all channels
  std::uint64_t taken_ = 0;    ///< samples that the sink has
  std::uint64_t clipped_ = 0;
};

Status resample_into(SampleSink& sink, const AudioSamples& source, int sample_rate, const Interrupt& interrupt) {
  auto resampler = Resampler::create(source.sample_rate, sample_rate);
  if (!resampler) return std::move(resampler).error();
  sink.expect(static_cast<double>(source.samples.size()) / source.sample_rate);
  std::vector<float> block;
  for (std::span<const float> rest = source.samples;;) {
    if (auto stop = interrupt.check()) return *std::move(stop);
    const auto next = rest.first(std::min(rest.size(), kBlock));
    auto made = next.empty() ? resampler.value().finish(block) : resampler.value().push(next, block);
    if (!made) return made;
    if (auto taken = sink.take(block); !taken) return taken;
    block.clear();
    if (next.empty()) return ok();
    rest = rest.subspan(next.size());
  }
}

/// Of samples of the caller's; `sink`: takes them in place of the result.
Result<Audio> resample(const AudioSamples& source, int sample_rate, const AudioSelection& selection,
                       const AudioLimits& limits, const Interrupt& interrupt, AudioTimings& timings,
                       SampleSink* sink = nullptr) {
  const std::string name = "the recording";
  if (selection.channel.value_or(0) > 0 || selection.track.value_or(0) > 0) {
    return Error{ErrorCode::INVALID_ARGUMENT, "samples are one channel and one track, both counted from 0"};
  }
  const StreamInfo info{source.sample_rate, 1, source.samples.size(), "samples"};
  if (auto error = refused(name, info, limits)) {
    if (error->code == ErrorCode::AUDIO_UNSUPPORTED) error->code = ErrorCode::INVALID_ARGUMENT;
    return *error;
  }
  std::uint64_t clipped = 0;
  for (std::span<const float> rest = source.samples; !rest.empty();) {
    if (auto stop = interrupt.check()) return *std::move(stop);
    const auto block = rest.first(std::min(rest.size(), kBlock));
    if (auto wrong = fault(block, clipped)) return Error{ErrorCode::INVALID_ARGUMENT, name + " " + *wrong};
    rest = rest.subspan(block.size());
  }
  const auto resampling = Clock::now();
  Audio audio;
  if (sink) {
    if (auto taken = resample_into(*sink, source, sample_rate, interrupt); !taken) return std::move(taken).error();
  } else {
    auto resampled = resample(source.samples, source.sample_rate, sample_rate, interrupt);
    if (!resampled) return std::move(resampled).error();
    audio.samples = std::move(resampled).value();
  }
  timings.resample += since(resampling);
  const auto count = static_cast<double>(source.samples.size());
  audio.info.seconds = count / source.sample_rate;
  audio.info.sample_rate = source.sample_rate;
  audio.info.channels = 1;
  audio.info.clipped_share = count > 0 ? static_cast<double>(clipped) / count : 0;
  audio.info.format = info.format;
  audio.info.channel = selection.channel;
  audio.info.channels_alike = true;
  return audio;
}

Error out_of_memory() {
  return {ErrorCode::OUT_OF_MEMORY, "memory ran out while decoding; use fewer workers or shorter recordings"};
}

Result<AudioInfo> info_of(Result<Audio> audio) {
  if (!audio) return std::move(audio).error();
  return std::move(audio.value().info);
}

}  // namespace

Result<AudioInfo> decode_into(SampleSink& sink, const AudioSource& source, int sample_rate, const AudioLimits& limits,
                              const Interrupt& interrupt, AudioTimings* timings, const AudioSelection& selection) {
  AudioTimings unread;
  AudioTimings& timing = timings ? *timings : unread;
  try {
    if (const auto* samples = std::get_if<AudioSamples>(&source)) {
      return info_of(resample(*samples, sample_rate, selection, limits, interrupt, timing, &sink));
    }
    const auto input = Input::of(source, limits);
    if (!input) return input.error();
    return decode_into(sink, input.value(), sample_rate, limits, interrupt, timing, selection, local_ffmpeg());
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

Result<AudioInfo> decode_into(SampleSink& sink, const Input& input, int sample_rate, const AudioLimits& limits,
                              const Interrupt& interrupt, AudioTimings& timings, const AudioSelection& selection,
                              const FfmpegHost& ffmpeg) {
  try {
    Decoding mixed(input, sample_rate, selection, limits, interrupt, timings, ffmpeg, &sink);
    auto audio = mixed.run();
    if (!mixed.begin_anew_with()) return info_of(std::move(audio));
    sink.restart();
    return info_of(
        Decoding(input, sample_rate, selection, limits, interrupt, timings, ffmpeg, &sink, mixed.begin_anew_with())
            .run());
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

Result<Audio> decode(const AudioSource& source, int sample_rate, const AudioLimits& limits, const Interrupt& interrupt,
                     AudioTimings* timings, const AudioSelection& selection) {
  AudioTimings unread;
  AudioTimings& timing = timings ? *timings : unread;
  try {
    if (const auto* samples = std::get_if<AudioSamples>(&source)) {
      return resample(*samples, sample_rate, selection, limits, interrupt, timing);
    }
    const auto input = Input::of(source, limits);
    if (!input) return input.error();
    return decode(input.value(), sample_rate, limits, interrupt, timing, selection, local_ffmpeg());
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

Result<Audio> decode(const Input& input, int sample_rate, const AudioLimits& limits, const Interrupt& interrupt,
                     AudioTimings& timings, const AudioSelection& selection, const FfmpegHost& ffmpeg) {
  try {
    return Decoding(input, sample_rate, selection, limits, interrupt, timings, ffmpeg).run();
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

AudioLibraries audio_libraries() { return {sndfile_library(), soxr_library(), ffmpeg_program()}; }

}  // namespace timbre
