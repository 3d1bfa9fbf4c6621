#include "skeletons.h"

#include <caffe2/serialize/inline_container.h>

#include <nlohmann/json.hpp>

#include "bundle/manifest.h"
#include "stage.h"

namespace timbre::bench {

FrontEndConfig front_end_of(const std::string& variant) {
  caffe2::serialize::PyTorchStreamReader reader(std::string(TIMBRE_SKELETONS) + "/" + variant + ".pt");
  const auto [text, size] = reader.getRecord("extra/family.json");
  auto json = nlohmann::json::parse(std::string(static_cast<const char*>(text.get()), size));
  // What a bundle says beside it.
  json.merge_patch({{"id", variant},
                    {"version", "1"},
                    {"trained", false},
                    {"precision", "fp32"},
                    {"embedding", {{"dim", json["network"]["embeddingDim"]}}},
                    {"weightsDigest", {{"algorithm", "xxh3-128"}, {"value", std::string(32, '0')}}}});
  return take(bundle::parse_manifest(json.dump())).front_end;
}

}  // namespace timbre::bench
