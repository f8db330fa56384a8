# The joint model of data/pbc by rstanarm: Rscript rstanarm.R FOLDER CHAINS ITERATIONS SEED
# FOLDER holds samples.csv (patient, year, log_bilirubin, sex) and patients.csv (patient, years, died, sex); to it are
# written draws.csv (chain and every population parameter) and sampler.csv (chain, seconds, divergent, steps).
given <- commandArgs(trailingOnly = TRUE)
suppressMessages(library(rstanarm))
samples <- read.csv(file.path(given[1], "samples.csv"), stringsAsFactors = TRUE)
patients <- read.csv(file.path(given[1], "patients.csv"), stringsAsFactors = TRUE)
chains <- as.integer(given[2])
options(mc.cores = min(chains, parallel::detectCores()))
fit <- stan_jm(
  formulaLong = log_bilirubin ~ year * sex + (year | patient), dataLong = samples,
  formulaEvent = survival::Surv(years, died) ~ sex, dataEvent = patients,
  time_var = "year", chains = chains, iter = as.integer(given[3]), seed = as.integer(given[4]), refresh = 0
)
draws <- as.array(fit$stanfit) # iteration, chain, parameter
of_population <- !grepl("^b\\[|mean_PPD|^log-posterior$|^lp__$", dimnames(draws)[[3]])
table <- do.call(rbind, lapply(seq_len(chains), function(k) data.frame(chain = k, draws[, k, of_population], check.names = FALSE)))
write.csv(table, file.path(given[1], "draws.csv"), row.names = FALSE)
spent <- rowSums(rstan::get_elapsed_time(fit$stanfit))
each <- rstan::get_sampler_params(fit$stanfit, inc_warmup = FALSE)
sampler <- data.frame(
  chain = seq_len(chains), seconds = spent,
  divergent = sapply(each, function(x) sum(x[, "divergent__"])), steps = sapply(each, function(x) mean(x[, "n_leapfrog__"]))
)
write.csv(sampler, file.path(given[1], "sampler.csv"), row.names = FALSE)
