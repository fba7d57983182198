#include "base/metrics_process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/metrics.h"

struct process_facts {
    double start, cpu_seconds, virtual_bytes, resident_bytes, open_fds, max_fds;
};

static double count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = -3; /* ".", ".." and the folder's own */

    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void read_memory(struct process_facts *facts)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long virtual = 0, resident = 0;

    if (!file)
        return;
    if (fscanf(file, "%lu %lu", &virtual, &resident) == 2) {
        facts->virtual_bytes = (double)virtual * (double)sysconf(_SC_PAGESIZE);
        facts->resident_bytes = (double)resident * (double)sysconf(_SC_PAGESIZE);
    }
    fclose(file);
}

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static struct process_facts read_facts(double start)
{
    struct process_facts facts = {.start = start, .open_fds = count_fds()};
    struct rusage usage;
    struct rlimit files;

    getrusage(RUSAGE_SELF, &usage);
    getrlimit(RLIMIT_NOFILE, &files);
    facts.cpu_seconds = seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime);
    facts.max_fds = (double)files.rlim_cur;
    read_memory(&facts);
    return facts;
}

#define FACT(name)                                                                                                     \
    static void show_##name(const struct metric_page *page, const void *source)                                        \
    {                                                                                                                  \
        metric_sample(page, ((const struct process_facts *)source)->name, NULL);                                       \
    }
FACT(cpu_seconds)
FACT(resident_bytes)
FACT(virtual_bytes)
FACT(open_fds)
FACT(max_fds)
FACT(start)

static const struct metric table[] = {
    {"process_cpu_seconds_total", METRIC_COUNTER, "Processor time used, in seconds", show_cpu_seconds},
    {"process_resident_memory_bytes", METRIC_GAUGE, "Resident memory", show_resident_bytes},
    {"process_virtual_memory_bytes", METRIC_GAUGE, "Virtual memory", show_virtual_bytes},
    {"process_open_fds", METRIC_GAUGE, "Open file descriptors", show_open_fds},
    {"process_max_fds", METRIC_GAUGE, "How many file descriptors may be open", show_max_fds},
    {"process_start_time_seconds", METRIC_GAUGE, "When the process started, in seconds since 1970", show_start},
};

void metrics_process(double start, struct buf *out)
{
    const struct process_facts facts = read_facts(start);

    metrics_show(table, ARRAY_LEN(table), &facts, out);
}
