// Which part of a data set.
#ifndef FEDGAP_COMMON_DATA_DATA_SPLIT_H_
#define FEDGAP_COMMON_DATA_DATA_SPLIT_H_

namespace fedgap {

// What clients train on, what the server evaluates on, or both together.
enum class DataSplit { kTrain, kTest, kAll };

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_DATA_SPLIT_H_
