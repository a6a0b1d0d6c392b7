// Whether the ranks of a simulation would train the same clients.
#ifndef FEDGAP_SIM_RANK_AGREEMENT_H_
#define FEDGAP_SIM_RANK_AGREEMENT_H_

#include "common/base/status.h"
#include "common/nn/model.h"
#include "sim/population.h"
#include "sim/rank_group.h"
#include "sim/rank_messages.h"

namespace fedgap {

// Of this process. Reads every image that the population is made from once,
// however many clients there are.
RankSetup SetupOf(const ModelSpec& model, const Population& population);

// Every rank calls it with its own. At the root FAILED_PRECONDITION names the
// first rank that differs from it, and in what; elsewhere nothing is compared.
Status CheckSameSetup(RankGroup& ranks, const RankSetup& own);

}  // namespace fedgap

#endif  // FEDGAP_SIM_RANK_AGREEMENT_H_
