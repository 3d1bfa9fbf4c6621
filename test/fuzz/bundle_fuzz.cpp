// Any bytes in the place of a model's file: zip archives, pickles, checkpoints, manifests, as far as they are read
// without LibTorch.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "archive/pickle.h"
#include "archive/zip_archive.h"
#include "bundle/facts.h"
#include "bundle/manifest.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/family.h"
#include "features/front_end.h"
#include "target.h"

namespace timbre::fuzz {
namespace {

archive::ByteSource source(const std::string& bytes) {
  return archive::ByteSource(std::make_unique<std::istringstream>(bytes));
}

/// Two families of a few tensors each: copies, a convolution, columns, and names that a pattern leaves out.
std::vector<checkpoint::Variant> variants() {
  std::vector<checkpoint::Variant> made;
  for (const std::string family : {"left", "right"}) {
    const std::string json =
        R"({"format":1,"family":")" + family + R"(","variant":")" + family +
        R"(","frontEnd":{},"input":{},"network":{},"shortestFrames":5,"prefix":"","ignored":["^.*\\.num_batches_tracked$"],)"
        R"("tensors":[{"target":"a","source":"conv.weight","op":"conv","taps":2,"shape":[[2,"width"],[2,"in"]]},)"
        R"({"target":"b","source":"conv.bias","op":"copy","shape":[[8,"width"]]},)"
        R"({"target":"c","source":")" +
        family + R"(.weight","op":"columns","third":[0,1],"shape":[[1,"out"],[1,"width"]]}]})";
    auto variant = checkpoint::parse_variant(json, "none");
    expect(variant.ok(), "the families of this test are well described");
    made.push_back(std::move(variant).value());
  }
  return made;
}

void checkpoint(const std::string& bytes) {
  static const std::vector<checkpoint::Variant> known = variants();
  const auto opened = checkpoint::Checkpoint::read_from(source(bytes));
  if (!opened) return expect_typed(opened.error(), {"MODEL_INVALID"});
  std::uint64_t total = 0;
  for (const checkpoint::CheckpointTensor& tensor : opened.value().tensors()) {
    expect(!tensor.name.empty(), "every tensor has a name");
    expect(tensor.elements() >= 0, "no tensor has fewer than no elements");
    total += static_cast<std::uint64_t>(tensor.elements()) * archive::bytes_of(tensor.type);
    expect(total <= bytes.size(), "tensors take no more bytes than the file has");
    const auto values = opened.value().read(tensor);
    if (values) {
      expect(values.value().size() == static_cast<std::size_t>(tensor.elements()), "every element is read");
      expect(std::all_of(values.value().begin(), values.value().end(), [](float x) { return std::isfinite(x); }),
             "weights are finite");
    } else {
      expect_typed(values.error(), {"MODEL_INVALID"});
    }
    if (const auto integer = opened.value().read_integer(tensor); !integer) {
      expect_typed(integer.error(), {"MODEL_INVALID"});
    }
  }
  static_cast<void>(checkpoint::is_untrained(opened.value()));
  for (const std::string family : {"", "left"}) {
    const auto variant = checkpoint::recognise(opened.value(), known, family);
    if (!variant) {
      expect_typed(variant.error(), {"MODEL_INVALID", "INVALID_ARGUMENT"});
      continue;
    }
    if (const auto arranged = arrange(opened.value(), *variant.value()); !arranged) {
      expect_typed(arranged.error(), {"MODEL_INVALID"});
    }
  }
}

void archive(const std::string& bytes) {
  constexpr std::uint64_t kMost = 64 << 10;
  const auto opened = archive::ZipArchive::open(source(bytes));
  if (!opened) return expect_typed(opened.error(), {"MODEL_INVALID"});
  for (const auto& [name, member] : opened.value().members()) {
    if (const auto at = opened.value().locate(name)) {
      expect(at.value() <= bytes.size() && member.size <= bytes.size() - at.value(), "a member lies inside its file");
    }
    if (const auto verified = opened.value().verify(name); !verified) expect_typed(verified.error(), {"MODEL_INVALID"});
    const auto read = opened.value().read(name, kMost);
    if (!read) {
      expect_typed(read.error(), {"MODEL_INVALID"});
      continue;
    }
    expect(read.value().size() == member.size, "the whole of a member is read");
    if (const auto pickle = archive::unpickle(read.value()); !pickle) expect_typed(pickle.error(), {"MODEL_INVALID"});
  }
}

/// Front ends that a damaged manifest asks for are made only up to sizes that are quick to make.
void manifest(const std::string& json) {
  constexpr int kMostPoints = 8192;
  constexpr int kMostBins = 256;
  if (const auto merged = bundle::merge_facts(json, json); !merged) {
    expect_typed(merged.error(), {"MODEL_INVALID", "INVALID_ARGUMENT"});
  }
  const auto parsed = bundle::parse_manifest(json);
  if (!parsed) return expect_typed(parsed.error(), {"MODEL_INVALID"});
  const FrontEndConfig& config = parsed.value().front_end;
  if (config.fft_length > kMostPoints || config.mel_bins > kMostBins) return;
  const auto front_end = FrontEnd::create(config);
  if (!front_end) return expect_typed(front_end.error(), {"MODEL_INVALID"});
  const std::size_t needed = front_end.value()->samples_for(1);
  if (needed > kMostPoints) return;
  const auto features = front_end.value()->compute(std::vector<float>(needed, 0.25F));
  expect(features.ok(), "a front end makes a frame of as many samples as it asks for");
  expect(features.value().rows >= 1, "a front end makes a frame of as many samples as it asks for");
}

/// A bundle is read from a file.
void bundle(const std::string& bytes) {
  static const int descriptor = memfd_create("bundle", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  expect(descriptor >= 0 && ftruncate(descriptor, 0) == 0 &&
             pwrite(descriptor, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
         "the bundle could be written for the test");
  if (const auto read = bundle::read_manifest(path); !read) expect_typed(read.error(), {"MODEL_INVALID"});
}

}  // namespace
}  // namespace timbre::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace timbre::fuzz;
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  if (text.starts_with('{')) {
    manifest(text);
    return 0;
  }
  checkpoint(text);
  if (text.starts_with("PK")) {
    archive(text);
    bundle(text);
  } else if (const auto pickle = timbre::archive::unpickle(text); !pickle) {
    expect_typed(pickle.error(), {"MODEL_INVALID"});
  }
  return 0;
}
