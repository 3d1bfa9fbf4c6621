#include "isolation/contained_decoder.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "audio/decode.h"
#include "audio/ffmpeg_host.h"
#include "isolation/shared_window.h"
#include "support/text.h"

namespace timbre {

namespace {

using namespace std::chrono_literals;

/// How often a wait for the decoder looks at the interrupt.
constexpr std::chrono::milliseconds kGlance = 5ms;
/// A decoder that is told to stop says that it has, or is ended.
constexpr std::chrono::milliseconds kStopsWithin = 50ms;
/// A program that is started says that it is there.
constexpr std::chrono::milliseconds kStartsWithin = 20s;
/// How long the end of a process is waited for that has closed its connection.
constexpr std::chrono::milliseconds kEndsWithin = 200ms;

/// What a recording may take beyond the time that its ffmpeg has: decoders are hundreds of times faster than sound.
/// What is done with samples meanwhile does not count.
std::chrono::seconds usual_patience(double max_seconds) {
  return ffmpeg_patience(max_seconds) + std::chrono::seconds(60 + static_cast<std::int64_t>(max_seconds));
}

struct DecoderProgram {
  std::string path;
  std::vector<std::string> environment;
};

std::atomic<const DecoderProgram*> program = nullptr;

/// The decoder with its libraries, the recording, the samples and what they were before they grew.
std::uint64_t memory_of(const AudioLimits& limits, int sample_rate) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  // Sanitizers reserve terabytes.
  static_cast<void>(limits);
  static_cast<void>(sample_rate);
  return ~0ULL;
#else
  const auto samples = static_cast<std::uint64_t>(limits.max_seconds * sample_rate) * sizeof(float);
  return (1ULL << 30U) + 2 * limits.max_bytes + 4 * samples;
#endif
}

Result<DecoderConnection> launch(const AudioLimits& limits, int sample_rate) {
  const DecoderProgram* const known = program;
  if (!known) return Error{ErrorCode::INTERNAL, "nobody has said where the program is that decodes recordings"};
  auto ends = Channel::pair();
  if (!ends) return std::move(ends).error();
  const Descriptor nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!nowhere) {
    return Error{errno == EMFILE || errno == ENFILE ? ErrorCode::OVERLOADED : ErrorCode::INTERNAL,
                 "/dev/null cannot be opened (" + std::generic_category().message(errno) + ")"};
  }
  // It lives long: what one recording may take is for its owner to watch.
  constexpr std::uint64_t kAnyTime = ~0ULL;
  constexpr std::uint64_t kDescriptors = 16;
  auto child = Child::start(known->path, {}, known->environment,
                            {ends.value().second.descriptor(), nowhere.get(), nowhere.get()},
                            {memory_of(limits, sample_rate), kAnyTime, kDescriptors});
  if (!child) return std::move(child).error();
  return DecoderConnection{std::move(ends.value().first), std::move(child).value()};
}

/// How a process ended, to go on a sentence with; empty where that is not known.
std::string ending(const std::optional<ChildEnd>& end) {
  if (!end || end->kind == ChildEnd::Kind::kUnknown) return {};
  return (end->kind == ChildEnd::Kind::kSignal ? ", signal " : ", status ") + std::to_string(end->value);
}

Error ended_error(const std::string& name, const std::optional<ChildEnd>& end) {
  return {ErrorCode::DECODER_FAILED, "the decoder ended while it read " + name + ending(end) +
                                         "; send it again, and convert it to WAV or FLAC if that ends it too"};
}

Error out_of_memory() {
  return {ErrorCode::OUT_OF_MEMORY, "memory ran out while decoding; use fewer workers or shorter recordings"};
}

}  // namespace

void look_for_decoder(std::string_view path, std::string_view library_path) {
  static const DecoderProgram found = [&] {
    DecoderProgram made{std::string(path), {}};
    if (!library_path.empty()) made.environment.push_back("LD_LIBRARY_PATH=" + std::string(library_path));
    return made;
  }();
  program = &found;
}

struct ContainedDecoder::Session {
  DecoderConnection connection;
  SharedWindow window;
  Walls walls;

  std::optional<ChildEnd> end() {
    return connection.process ? connection.process->wait(kEndsWithin) : std::optional<ChildEnd>();
  }
};

ContainedDecoder::ContainedDecoder(const AudioLimits& limits, int sample_rate)
    : ContainedDecoder(
          limits, sample_rate, [limits, sample_rate] { return launch(limits, sample_rate); }, std::nullopt) {}

ContainedDecoder::ContainedDecoder(const AudioLimits& limits, int sample_rate, Launch launch,
                                   std::optional<std::chrono::milliseconds> patience)
    : limits_(limits), sample_rate_(sample_rate), launch_(std::move(launch)), patience_(patience) {}

ContainedDecoder::~ContainedDecoder() = default;

Result<Walls> ContainedDecoder::start() {
  if (session_) return session_->walls;
  auto window = SharedWindow::create();
  if (!window) return std::move(window).error();
  auto connection = launch_();
  if (!connection) return std::move(connection).error();
  auto session = std::make_unique<Session>(Session{std::move(connection).value(), std::move(window).value(), Walls{}});
  Channel& channel = session->connection.channel;
  const std::array<int, 1> memory{session->window.descriptor()};
  Message ready;
  const bool answered = channel.send(MessageKind::kOpen, {}, memory) &&
                        channel.receive(ready, kStartsWithin, 0) == Channel::Arrival::kMessage;
  const auto walls = answered && ready.kind == MessageKind::kReady ? to_walls(ready.body) : std::nullopt;
  if (!walls) {
    const std::string how = ending(session->end());
    return Error{ErrorCode::INTERNAL, "the program that decodes recordings cannot be used (it gave " +
                                          std::string(answered ? "another build's answer" : "no answer") + how +
                                          "); build it again with `timbre setup`, and see `timbre doctor`"};
  }
  session->walls = *walls;
  session->window.close_descriptor();
  session_ = std::move(session);
  return *walls;
}

/// One recording, from the request to the answer. What the decoder says is checked here.
class ContainedDecoder::Exchange {
 public:
  /// `sink`: takes the samples of a recording that is streamed.
  Exchange(Session& session, const Input& input, const DecodeRequest& request, const Interrupt& interrupt,
           std::chrono::milliseconds patience, SampleSink* sink)
      : patience_(patience),
        sink_(sink),
        channel_(session.connection.channel),
        window_(session.window),
        input_(input),
        request_(request),
        interrupt_(interrupt),
        most_samples_(static_cast<std::uint64_t>((request.limits.max_seconds + 1) * request.sample_rate)) {}

  enum class Outcome {
    kRuns,
    kAnswered,  ///< and the decoder waits for the next recording
    kStopped,   ///< it has not said that it stopped, or in time
    kEnded,
    kNonsense,
    kTooSlow,
  };

  /// Serves the decoder until it answers, or is of no more use.
  Outcome run() {
    for (;;) {
      if (interrupt_.stops()) stop();
      if (stopped_ && Clock::now() - *stopped_ > kStopsWithin) return Outcome::kStopped;
      if (Clock::now() - started_ > patience_) return Outcome::kTooSlow;
      Message message;
      switch (channel_.receive(message, kGlance, 0)) {
        case Channel::Arrival::kNothing:
          continue;
        case Channel::Arrival::kClosed:
          return Outcome::kEnded;
        case Channel::Arrival::kBroken:
          return Outcome::kNonsense;
        case Channel::Arrival::kMessage:
          break;
      }
      const Outcome outcome = take(message);
      if (outcome != Outcome::kRuns) return outcome;
    }
  }

  bool stopped() const { return stopped_.has_value(); }
  /// Why the sink took no more.
  const std::optional<Error>& refused() const { return refused_; }
  Clock::duration in_sink() const { return in_sink_; }
  Result<Audio>& answer() { return answer_; }
  const AudioTimings& timings() const { return timings_; }

 private:
  Outcome take(const Message& message) {
    switch (message.kind) {
      case MessageKind::kBytes:
        return take_bytes(message);
      case MessageKind::kStartFfmpeg:
        return start_ffmpeg(message);
      case MessageKind::kAskFfmpegEnd:
        return tell_end(message);
      case MessageKind::kDropFfmpeg:
        ffmpeg_.reset();
        return Outcome::kRuns;
      case MessageKind::kSamples:
        return take_samples(message);
      case MessageKind::kAudio:
        return take_audio(message);
      case MessageKind::kExpected:
        return take_expected(message);
      case MessageKind::kRestart:
        return restart(message);
      case MessageKind::kFailed:
        return take_fault(message);
      default:
        return Outcome::kNonsense;
    }
  }

  Outcome answered(MessageKind kind, const std::vector<std::uint8_t>& body = {},
                   std::span<const int> descriptors = {}) {
    return channel_.send(kind, body, descriptors) ? Outcome::kRuns : Outcome::kEnded;
  }

  /// The bytes that a message says lie in the window; none where that cannot be.
  std::optional<std::span<const std::uint8_t>> in_window(const Message& message, std::uint64_t most) {
    MessageReader from(message.body);
    const auto count = static_cast<std::size_t>(from.number(std::min<std::uint64_t>(most, SharedWindow::kBytes)));
    if (!from.complete()) return std::nullopt;
    return window_.bytes().first(count);
  }

  /// Bytes that the recording has been put together from anew, for ffmpeg.
  Outcome take_bytes(const Message& message) {
    // No more than the recording has, and a header.
    constexpr std::uint64_t kHeaders = 1 << 20;
    const auto bytes = in_window(message, input_.size() + kHeaders - composed_bytes_);
    if (!bytes) return Outcome::kNonsense;
    if (!composed_) composed_.reset(::memfd_create("timbre-recording", MFD_CLOEXEC));
    for (auto rest = *bytes; !rest.empty() && composed_;) {
      const ssize_t written = ::write(composed_.get(), rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      // Whoever asks for ffmpeg is told that there is nothing for it.
      if (written <= 0) composed_.reset();
      rest = rest.subspan(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    composed_bytes_ += bytes->size();
    return answered(MessageKind::kTaken);
  }

  Result<Descriptor> for_ffmpeg(bool whole) {
    if (whole) {
      auto handed = input_.hand_over();
      if (!handed) return std::move(handed).error();
      return std::move(handed.value().descriptor);
    }
    composed_bytes_ = 0;
    if (!composed_ || ::lseek(composed_.get(), 0, SEEK_SET) < 0) {
      return Error{ErrorCode::OUT_OF_MEMORY, input_.name() + " could not be handed to its decoder"};
    }
    return std::move(composed_);
  }

  Outcome start_ffmpeg(const Message& message) {
    MessageReader from(message.body);
    const bool whole = from.number(1) == 1;
    FfmpegRequest wanted;
    wanted.demuxer = from.text();
    wanted.container = from.text();
    wanted.track = from.optional(1 << 20);
    if (!from.complete()) return Outcome::kNonsense;
    ffmpeg_.reset();
    ffmpeg_end_.reset();
    const auto refuse = [&](Error error) {
      return answered(MessageKind::kNoFfmpeg, to_message(DecodingFault{std::move(error), {}}));
    };
    const auto file = for_ffmpeg(whole);
    if (!file) return refuse(file.error());
    auto run = timbre::start_ffmpeg(input_.name(), file.value().get(), wanted, request_.limits.max_seconds);
    if (!run) return refuse(std::move(run).error());
    ffmpeg_.emplace(std::move(run.value().child));
    // What ffmpeg writes is read behind the walls: it has read the recording, too.
    const auto [out, err] = run.value().output.take_descriptors();
    return answered(MessageKind::kFfmpeg, {}, std::array{out.get(), err.get()});
  }

  Outcome tell_end(const Message& message) {
    constexpr std::uint64_t kMost = 100;
    MessageReader from(message.body);
    const std::chrono::milliseconds wanted(from.number(kMost));
    if (!from.complete() || !ffmpeg_) return Outcome::kNonsense;
    // Once it is known it stays so.
    if (!ffmpeg_end_) ffmpeg_end_ = ffmpeg_->wait(wanted);
    return answered(MessageKind::kFfmpegEnd, to_message(ffmpeg_end_));
  }

  Outcome take_samples(const Message& message) {
    const auto bytes = in_window(message, sink_ ? kMostStreamed : SharedWindow::kBytes);
    if (!bytes || bytes->size() % sizeof(float) != 0) return Outcome::kNonsense;
    const std::size_t count = bytes->size() / sizeof(float);
    if (taken_ + count > most_samples_) return Outcome::kNonsense;
    taken_ += count;
    if (sink_) samples_.clear();
    const std::size_t before = samples_.size();
    samples_.resize(before + count);
    std::memcpy(samples_.data() + before, bytes->data(), bytes->size());
    const auto arrived = std::span<const float>(samples_).subspan(before);
    if (!std::ranges::all_of(arrived, [](float x) { return std::isfinite(x); })) return Outcome::kNonsense;
    if (sink_ && !stopped_) hand_on(arrived);
    return answered(MessageKind::kTaken);
  }

  /// The decoder waits meanwhile.
  void hand_on(std::span<const float> samples) {
    const auto began = Clock::now();
    auto handed = sink_->take(samples);
    const auto spent = Clock::now() - began;
    in_sink_ += spent;
    started_ += spent;
    if (handed) return;
    refused_ = std::move(handed).error();
    stop();
  }

  Outcome take_expected(const Message& message) {
    MessageReader from(message.body);
    const double seconds = from.real(0, request_.limits.max_seconds);
    if (!from.complete() || !sink_ || expected_ || taken_ > 0) return Outcome::kNonsense;
    expected_ = true;
    if (!stopped_) sink_->expect(seconds);
    return Outcome::kRuns;
  }

  Outcome restart(const Message& message) {
    if (!message.body.empty() || !sink_ || restarted_) return Outcome::kNonsense;
    restarted_ = true;
    expected_ = false;
    taken_ = 0;
    if (!stopped_) sink_->restart();
    return Outcome::kRuns;
  }

  void stop() {
    if (stopped_) return;
    window_.stop().store(1, std::memory_order_relaxed);
    stopped_ = Clock::now();
  }

  Outcome take_audio(const Message& message) {
    auto decoded = to_decoded(message.body, request_);
    if (!decoded || taken_ == 0) return Outcome::kNonsense;
    timings_ = decoded->timings;
    answer_ = Audio{std::move(samples_), std::move(decoded->info)};
    return Outcome::kAnswered;
  }

  Outcome take_fault(const Message& message) {
    auto fault = to_fault(message.body);
    if (!fault) return Outcome::kNonsense;
    const ErrorCode code = fault->error.code;
    const bool stops =
        code == ErrorCode::ABORTED || code == ErrorCode::DEADLINE_EXCEEDED || code == ErrorCode::ENGINE_CLOSED;
    if (stops && !stopped_) return Outcome::kNonsense;
    timings_ = fault->timings;
    answer_ = std::move(fault->error);
    return Outcome::kAnswered;
  }

  const std::chrono::milliseconds patience_;
  SampleSink* const sink_;
  Channel& channel_;
  const SharedWindow& window_;
  const Input& input_;
  const DecodeRequest& request_;
  const Interrupt& interrupt_;
  const std::uint64_t most_samples_;
  Clock::time_point started_ = Clock::now();  ///< moved on by what the sink takes
  Clock::duration in_sink_{};
  std::optional<Clock::time_point> stopped_;
  std::optional<Error> refused_;
  Descriptor composed_;
  std::uint64_t composed_bytes_ = 0;
  std::optional<Child> ffmpeg_;
  std::optional<ChildEnd> ffmpeg_end_;
  std::vector<float> samples_;  ///< of a recording that is streamed, the last that came
  std::uint64_t taken_ = 0;     ///< samples
  bool expected_ = false;
  bool restarted_ = false;
  AudioTimings timings_;
  Result<Audio> answer_ = Audio{};
};

Result<Audio> ContainedDecoder::decode(const AudioSource& source, const Interrupt& interrupt, AudioTimings& timings,
                                       const AudioSelection& selection) {
  try {
    if (std::holds_alternative<AudioSamples>(source)) {
      return timbre::decode(source, sample_rate_, limits_, interrupt, &timings, selection);
    }
    const auto input = Input::of(source, limits_);
    if (!input) return input.error();
    if (auto stop = interrupt.check()) return *std::move(stop);
    return decode(input.value(), limits_, interrupt, timings, selection, nullptr);
  } catch (const std::bad_alloc&) {
    // In the middle of an exchange nobody knows what the decoder says next.
    session_.reset();
    return out_of_memory();
  }
}

Result<AudioInfo> ContainedDecoder::decode_into(SampleSink& sink, const AudioSource& source, const AudioLimits& limits,
                                                const Interrupt& interrupt, AudioTimings& timings,
                                                const AudioSelection& selection) {
  try {
    if (std::holds_alternative<AudioSamples>(source)) {
      return timbre::decode_into(sink, source, sample_rate_, limits, interrupt, &timings, selection);
    }
    const auto input = Input::of(source, limits);
    if (!input) return input.error();
    if (auto stop = interrupt.check()) return *std::move(stop);
    auto audio = decode(input.value(), limits, interrupt, timings, selection, &sink);
    if (!audio) return std::move(audio).error();
    return std::move(audio.value().info);
  } catch (const std::bad_alloc&) {
    session_.reset();
    return out_of_memory();
  }
}

Result<Audio> ContainedDecoder::decode(const Input& input, const AudioLimits& limits, const Interrupt& interrupt,
                                       AudioTimings& timings, const AudioSelection& selection, SampleSink* sink) {
  const auto began = Clock::now();
  const auto handed = input.hand_over();
  if (!handed) return handed.error();
  const DecodeRequest request{input.name(), handed.value().copied, sink != nullptr, sample_rate_, limits, selection};
  const auto body = to_message(request);
  const std::array<int, 1> descriptor{handed.value().descriptor.get()};
  for (bool fresh = !session_;; fresh = true) {
    if (auto started = start(); !started) return std::move(started).error();
    session_->window.stop().store(0, std::memory_order_relaxed);
    if (session_->connection.channel.send(MessageKind::kDecode, body, descriptor)) break;
    // It ended while it had nothing to do, which costs no recording anything.
    const auto end = session_->end();
    session_.reset();
    if (fresh) return ended_error(input.name(), end);
  }

  const std::chrono::milliseconds patience = patience_.value_or(usual_patience(limits.max_seconds));
  Exchange exchange(*session_, input, request, interrupt, patience, sink);
  const auto outcome = exchange.run();
  const double all = std::chrono::duration<double>(Clock::now() - began - exchange.in_sink()).count();
  timings.resample += std::min(exchange.timings().resample, all);
  timings.decode += std::max(0.0, all - exchange.timings().resample);
  std::optional<ChildEnd> end;
  if (outcome == Exchange::Outcome::kEnded) end = session_->end();
  if (outcome != Exchange::Outcome::kAnswered) session_.reset();
  if (exchange.refused()) return *exchange.refused();
  if (exchange.stopped()) return *interrupt.check();
  switch (outcome) {
    case Exchange::Outcome::kAnswered:
      return std::move(exchange.answer());
    case Exchange::Outcome::kTooSlow:
      return Error{ErrorCode::DECODER_FAILED, "the decoder did not finish " + input.name() + " within " +
                                                  seconds_text(std::chrono::duration<double>(patience).count()) +
                                                  "; convert it to WAV or FLAC"};
    case Exchange::Outcome::kNonsense:
      return Error{ErrorCode::DECODER_FAILED, "the decoder answered with something else than audio for " +
                                                  input.name() + "; convert it to WAV or FLAC"};
    default:
      return ended_error(input.name(), end);
  }
}

}  // namespace timbre
