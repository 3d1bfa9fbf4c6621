#include "isolation/serve_decoder.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "audio/decode.h"
#include "isolation/shared_window.h"

namespace timbre {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kForEver{-1};

/// A connection that is of no more use: the process ends. Nobody who handles std::exception shall take it.
struct Disconnected {};

/// The other process's word to stop.
class SharedInterrupt final : public Interrupt {
 public:
  explicit SharedInterrupt(const SharedWindow& window) : window_(window) {}

  bool stops() const noexcept override { return window_.stop().load(std::memory_order_relaxed) != 0; }

 private:
  const SharedWindow& window_;
};

/// What is asked of the other process, and answered. Throws Disconnected.
class Questions {
 public:
  Questions(Channel& channel, const SharedWindow& window) : channel_(channel), window_(window) {}

  Message ask(MessageKind kind, const std::vector<std::uint8_t>& body, std::size_t most_descriptors = 0) {
    tell(kind, body);
    Message answer;
    for (;;) {
      switch (channel_.receive(answer, kForEver, most_descriptors)) {
        case Channel::Arrival::kMessage:
          return answer;
        case Channel::Arrival::kNothing:
          continue;
        case Channel::Arrival::kClosed:
        case Channel::Arrival::kBroken:
          throw Disconnected();
      }
    }
  }

  void tell(MessageKind kind, const std::vector<std::uint8_t>& body) {
    if (!channel_.send(kind, body)) throw Disconnected();
  }

  /// Samples through the window, at most so many bytes at a time.
  void hand_over(std::span<const float> samples, std::size_t most) {
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(samples.data());
    for (std::span rest(bytes, samples.size_bytes()); !rest.empty();) {
      const auto part = rest.first(std::min(rest.size(), most));
      hand_over(MessageKind::kSamples, part);
      rest = rest.subspan(part.size());
    }
  }

  /// Through the window; `of` says what they are.
  void hand_over(MessageKind of, std::span<const std::uint8_t> bytes) {
    std::memcpy(window_.bytes().data(), bytes.data(), bytes.size());
    if (ask(of, MessageWriter().number(bytes.size()).bytes()).kind != MessageKind::kTaken) throw Disconnected();
  }

 private:
  Channel& channel_;
  const SharedWindow& window_;
};

/// ffmpeg, started by the other process, which tells how it ends; its output comes here.
class RemoteRun final : public FfmpegRun {
 public:
  RemoteRun(ChildOutput output, Questions& questions) : FfmpegRun(std::move(output)), questions_(questions) {}

  ~RemoteRun() override {
    try {
      questions_.tell(MessageKind::kDropFfmpeg, {});
    } catch (const Disconnected&) {
      // The next question finds that out, too.
    }
  }

  std::optional<ChildEnd> wait(std::chrono::milliseconds patience) override {
    MessageWriter question;
    const Message answer = questions_.ask(MessageKind::kAskFfmpegEnd,
                                          question.number(static_cast<std::uint64_t>(patience.count())).bytes());
    const auto end = to_child_end(answer.body);
    if (answer.kind != MessageKind::kFfmpegEnd || !end) throw Disconnected();
    return *end;
  }

 private:
  Questions& questions_;
};

class RemoteHost final : public FfmpegHost {
 public:
  RemoteHost(const Input& recording, Questions& questions) : recording_(recording), questions_(questions) {}

  Result<std::unique_ptr<FfmpegRun>> start(const Input& input, const FfmpegRequest& request, double) const override {
    // The other process has the recording; of what was composed of it, it has nothing.
    const bool whole = &input == &recording_;
    if (!whole) hand_over(input);
    MessageWriter question;
    question.number(whole ? 1 : 0).text(request.demuxer).text(request.container).optional(request.track);
    Message answer = questions_.ask(MessageKind::kStartFfmpeg, question.bytes(), 2);
    if (answer.kind == MessageKind::kNoFfmpeg) {
      if (auto fault = to_fault(answer.body)) return std::move(fault->error);
    }
    if (answer.kind != MessageKind::kFfmpeg || answer.descriptors.size() != 2) throw Disconnected();
    ChildOutput output(std::move(answer.descriptors[0]), std::move(answer.descriptors[1]));
    return std::unique_ptr<FfmpegRun>(std::make_unique<RemoteRun>(std::move(output), questions_));
  }

 private:
  void hand_over(const Input& input) const {
    std::vector<std::uint8_t> block(static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), 1 << 20)));
    for (std::uint64_t offset = 0; offset < input.size();) {
      const std::size_t got = input.read(offset, block);
      if (got == 0) break;
      questions_.hand_over(MessageKind::kBytes, std::span(block).first(got));
      offset += got;
    }
  }

  const Input& recording_;
  Questions& questions_;
};

/// Hands samples to the other process as they come, and waits until it has taken them.
class WindowSink final : public SampleSink {
 public:
  explicit WindowSink(Questions& questions) : questions_(questions) {}

  void expect(double seconds) override {
    questions_.tell(MessageKind::kExpected, MessageWriter().real(seconds).bytes());
  }

  Status take(std::span<const float> samples) override {
    questions_.hand_over(samples, kMostStreamed);
    return ok();
  }

  void restart() override { questions_.tell(MessageKind::kRestart, {}); }

 private:
  Questions& questions_;
};

/// A recording as it was handed over: a file, or memory that nobody changes, mapped.
class HandedRecording {
 public:
  static Result<std::unique_ptr<HandedRecording>> of(const DecodeRequest& request, Descriptor descriptor) {
    std::unique_ptr<HandedRecording> recording(new HandedRecording());
    auto input = recording->open(request, std::move(descriptor));
    if (!input) return std::move(input).error();
    recording->input_.emplace(std::move(input).value());
    return recording;
  }

  HandedRecording(const HandedRecording&) = delete;
  HandedRecording& operator=(const HandedRecording&) = delete;
  ~HandedRecording() {
    if (mapped_ != MAP_FAILED) ::munmap(mapped_, size_);
  }

  const Input& input() const { return *input_; }

 private:
  HandedRecording() = default;

  Result<Input> open(const DecodeRequest& request, Descriptor descriptor) {
    if (!request.copied) {
      return Input::of(request.name, std::make_shared<const Descriptor>(std::move(descriptor)), request.limits);
    }
    const off_t end = ::lseek(descriptor.get(), 0, SEEK_END);
    size_ = end > 0 ? static_cast<std::size_t>(end) : 0;
    if (size_ > 0) mapped_ = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor.get(), 0);
    if (size_ > 0 && mapped_ == MAP_FAILED) {
      return Error{ErrorCode::OUT_OF_MEMORY, "memory ran out while decoding; use fewer workers or shorter recordings"};
    }
    const std::span bytes(static_cast<const std::uint8_t*>(size_ > 0 ? mapped_ : nullptr), size_);
    return Input::of(request.name, bytes, request.limits);
  }

  void* mapped_ = MAP_FAILED;
  std::size_t size_ = 0;
  std::optional<Input> input_;
};

/// Decodes one recording and answers.
void serve(const DecodeRequest& request, Descriptor descriptor, Questions& questions, const SharedWindow& window) {
  DecodedInfo decoded;
  const auto fail = [&](const Error& error) {
    questions.tell(MessageKind::kFailed, to_message(DecodingFault{error, decoded.timings}));
  };
  auto recording = HandedRecording::of(request, std::move(descriptor));
  if (!recording) return fail(recording.error());
  const Input& input = recording.value()->input();
  const SharedInterrupt interrupt(window);
  if (request.streamed) {
    WindowSink sink(questions);
    auto info = decode_into(sink, input, request.sample_rate, request.limits, interrupt, decoded.timings,
                            request.selection, RemoteHost(input, questions));
    if (!info) return fail(info.error());
    decoded.info = std::move(info).value();
    return questions.tell(MessageKind::kAudio, to_message(decoded));
  }
  auto audio = decode(input, request.sample_rate, request.limits, interrupt, decoded.timings, request.selection,
                      RemoteHost(input, questions));
  if (!audio) return fail(audio.error());

  questions.hand_over(audio.value().samples, SharedWindow::kBytes);
  decoded.info = std::move(audio.value().info);
  questions.tell(MessageKind::kAudio, to_message(decoded));
}

constexpr int kNotUnderstood = 2;
constexpr int kNotEnclosed = 3;

/// The next message, with one descriptor; none at the end.
std::optional<Message> next(Channel& channel) {
  Message message;
  for (;;) {
    switch (channel.receive(message, kForEver, 1)) {
      case Channel::Arrival::kMessage:
        return message;
      case Channel::Arrival::kNothing:
        continue;
      case Channel::Arrival::kClosed:
      case Channel::Arrival::kBroken:
        return std::nullopt;
    }
  }
}

}  // namespace

int serve_decoder(Channel channel) {
  auto opening = next(channel);
  if (!opening || opening->kind != MessageKind::kOpen || opening->descriptors.size() != 1) return kNotUnderstood;
  auto window = SharedWindow::open(std::move(opening->descriptors[0]));
  if (!window) return kNotUnderstood;
  window.value().close_descriptor();
  // What the libraries load when they are first asked is loaded before nothing can be any more.
  static_cast<void>(audio_libraries());
  const auto walls = enclose_decoder();
  if (!walls) return kNotEnclosed;
  if (!channel.send(MessageKind::kReady, to_message(walls.value()))) return 0;

  Questions questions(channel, window.value());
  try {
    while (auto message = next(channel)) {
      const auto request = to_request(message->body);
      if (message->kind != MessageKind::kDecode || message->descriptors.size() != 1 || !request) return kNotUnderstood;
      serve(*request, std::move(message->descriptors[0]), questions, window.value());
    }
  } catch (const Disconnected&) {
    return 0;
  }
  return 0;
}

}  // namespace timbre
