// How one data set is cut among many clients.
//
// The kinds are those of NIID-Bench (Li, Diao, Chen, He, "Federated learning on
// non-IID data silos: an experimental study", ICDE 2022, section IV).
#ifndef FEDGAP_COMMON_DATA_PARTITION_SPEC_H_
#define FEDGAP_COMMON_DATA_PARTITION_SPEC_H_

#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fedgap {

struct PartitionSpec {
  enum class Kind {
    kIid,        // equal parts, drawn uniformly
    kDirichlet,  // each class cut by Dir(alpha): label skew
    kClasses,    // each client holds samples of C classes ("#C = k")
    kQuantity,   // sizes by Dir(alpha), classes mixed
  };
  Kind kind = Kind::kIid;
  // kDirichlet, kQuantity: the concentration, > 0; smaller is more skewed.
  double alpha = 0.5;
  // kClasses: classes a client, > 0.
  int classes_per_client = 2;
  // kDirichlet, kQuantity: drawn again until every client has this many.
  int min_samples = 10;

  bool operator==(const PartitionSpec&) const = default;
};

// "iid", "dirichlet:0.5", "classes:2", "quantity:0.5"; the Dirichlet kinds also
// as "dirichlet:0.1,min=1". INVALID_ARGUMENT says what is wrong.
StatusOr<PartitionSpec> ParsePartitionSpec(std::string_view text);
std::string ToString(const PartitionSpec& spec);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_PARTITION_SPEC_H_
