/* What a power cut leaves of files: what was synced to the disk, and nothing else for sure.
 *
 * Loaded before the C library (LD_PRELOAD). After every fsync or fdatasync that worked, the file is copied to
 * POWER_DISK: that is what is on the disk by then. A file that is removed is removed there too. Only files directly in
 * POWER_PLACE count.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the disk's own file of this path is; 0 where it does not count. */
static int on_disk(const char *path, char *copy, size_t size) {
    const char *place = getenv("POWER_PLACE"), *disk = getenv("POWER_DISK");
    if (!place || !disk) return 0;
    size_t length = strlen(place);
    if (strncmp(path, place, length) != 0 || path[length] != '/') return 0;
    if (strchr(path + length + 1, '/')) return 0;
    return snprintf(copy, size, "%s/%s", disk, path + length + 1) < (int)size;
}

static void keep(int fd) {
    char link[64], path[PATH_MAX], copy[PATH_MAX], fresh[PATH_MAX + 32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = 0;
    struct stat about;
    if (!on_disk(path, copy, sizeof copy) || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) return;
    snprintf(fresh, sizeof fresh, "%s.%ld.new", copy, (long)syscall(SYS_gettid));
    int from = open(path, O_RDONLY | O_CLOEXEC), to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int whole = from >= 0 && to >= 0;
    for (off_t left = about.st_size; whole && left > 0;) {
        ssize_t sent = sendfile(to, from, NULL, (size_t)left);
        if (sent > 0) left -= sent; else whole = 0;
    }
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    /* A sync that cannot be written down did not happen: then nothing more is answered. */
    if (!whole || rename(fresh, copy) != 0) abort();
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int done = real(fd), error = errno;
    if (done == 0) keep(fd);
    errno = error;
    return done;
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int done = real(fd), error = errno;
    if (done == 0) keep(fd);
    errno = error;
    return done;
}

int unlink(const char *path) {
    static int (*real)(const char *);
    if (!real) real = (int (*)(const char *))dlsym(RTLD_NEXT, "unlink");
    char copy[PATH_MAX];
    int done = real(path), error = errno;
    if (done == 0 && on_disk(path, copy, sizeof copy)) real(copy);
    errno = error;
    return done;
}
