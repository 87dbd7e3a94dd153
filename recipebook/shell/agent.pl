# PID 1 of a box: reads scripts from its standard input, runs each with a new bash, and returns what it printed.
#
#     in:   "20.0 run 10\n" and "ls -a /tmp"    seconds, run or judge, and the script's length in bytes
#     out:  "0 - 7\n" and ".\n..\na\n"          exit status, flags, and the output's length in bytes
#
# The flags are letters: t, the time was up; c, the output was cut; l, the box is lost and the agent ends; j, the script
# was to judge and does not count, since a program that it stands on has been replaced. A step ends when its bash does:
# a daemon that holds the output open is not waited for. When the time is up, every process that began during the step
# is killed, whatever it did to its session or its signals. The agent also watches how much memory all processes have
# together; over the limit it kills them, and the box is lost.
#
# It is Perl, because every episode waits for its start: Python takes six times as long to begin. The box's Perl reads
# it from a descriptor, so that no file of ours lies in the box. It loads no module: a box's own commands may replace
# those. agent_processes.pl comes before it, as one text with it.

# Where a file's inode, size and last write, and its last change, stand in what statx returns: offset and length.
my @IDENTITY = ([32, 8], [40, 8], [112, 12]);
my @CHANGE = ([96, 12]);

# Seconds: for output after a script's end, between two looks at memory.
my ($GRACE, $WATCH) = (0.05, 0.2);
# For LANG each program would open a dozen files, which all say what is so without it; without SHELL bash would look for
# root's in the table of users.
my %ENVIRONMENT = (
    PATH => "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", SHELL => "/bin/bash",
    HOME => "/root", USER => "root", LOGNAME => "root", LC_CTYPE => "C.UTF-8", TERM => "dumb",
);

# What a task's check stands on: a script that replaced one of these could decide its own outcome.
my @PROGRAMS = qw(
    [ awk basename bash cat cmp cut date diff dirname du echo egrep expr fgrep file find getent grep gunzip gzip head id
    ls md5sum mktemp perl pgrep printf ps python3 readlink realpath sed seq sh sha256sum sort stat tail tar test tr true
    uniq wc which xargs
);
my @LOCAL = ("/usr/local/bin", "/usr/local/sbin");
my @JUDGES = ((map { "/usr/bin/$_" } @PROGRAMS), "/lib64/ld-linux-x86-64.so.2", "/etc/ld.so.cache");
my @SHADOWS = ((map { my $folder = $_; map { "$folder/$_" } @PROGRAMS } @LOCAL), "/etc/ld.so.preload");

my ($requests, $replies, $score);
my $watched = 0;
# What is there before the first script.
my $judges = read_marks();

# Answers until the other end closes; what daemons do between two scripts is watched too.
sub serve {
    reply(0, "-", "");
    my $ended = eval {
        while (wait_for_request() && defined(my $head = <$requests>)) {
            my ($seconds, $what, $length) = split ' ', $head;
            read($requests, my $script, $length);
            reply($what eq "judge" ? judge($script, $seconds) : run($script, $seconds));
        }
        1;
    };
    if (!$ended) {
        kill_everything();
        reply(137, "l", "");
    }
}

# One script: its exit status, the flags, the output.
sub run {
    my ($script, $seconds) = @_;
    return (126, "-", "bash: embedded null byte\n") if index($script, "\0") >= 0;
    my ($before, $end) = ({}, now() + $seconds);
    if (has_children()) {
        $before = list_processes();
    }
    else {
        # Nothing can have taken memory before now.
        $watched = now();
    }
    pipe(my $reading, my $writing) or return (126, "-", "bash: $!\n");
    fcntl($reading, $SET_FLAGS, $NONBLOCK);
    my $child = start($script, $writing) or return (126, "-", "bash: $!\n");
    close $writing;
    my $output = { reading => $reading, text => "", cut => 0, ended => 0 };
    my ($status, $late) = follow($output, $child, $before, $end);
    finish($output);
    return ($status, ($late ? "t" : "") . ($output->{cut} ? "c" : "") || "-", $output->{text});
}

# A script that decides, unless what it stands on was replaced before, or is while it runs.
sub judge {
    my ($script, $seconds) = @_;
    if ($judges eq read_marks() && !grep { look($_, @IDENTITY) ne "" } @SHADOWS) {
        my $before = read_changes();
        my @answer = run($script, $seconds);
        return @answer if $before eq read_changes();
    }
    return (126, "j", "");
}

# What changes when a judge is replaced or written.
sub read_marks {
    return join "|", map { look($_, @IDENTITY) } @JUDGES;
}

# When judges and the folders of shadows were last changed or moved, which nobody in a box can feign.
sub read_changes {
    return join "|", map { look($_, @CHANGE) } @JUDGES, @LOCAL;
}

# Places in what the kernel knows of a file; nothing where there is no file.
sub look {
    my ($path, @places) = @_;
    my $found = "\0" x 256;
    return "" if syscall($STATX, $WORKING_FOLDER, $path, 0, $BASIC_FIELDS, $found);
    return join "", map { substr $found, $_->[0], $_->[1] } @places;
}

# A new bash; none, and the reason in $!, if it cannot be had.
sub start {
    my ($script, $writing) = @_;
    for (1 .. $ROUNDS) {
        set_score(1000);
        my $child = fork;
        become_bash($script, $writing) if defined $child && !$child;
        my $fault = $! + 0;
        set_score(0);
        return $child if defined $child;
        if ($fault != $TRY_AGAIN) {
            $! = $fault;
            return;
        }
        # A script before this one has used up the processes.
        kill_everything();
        reap();
        pause(0.01);
    }
    die "lost\n";
}

sub become_bash {
    my ($script, $writing) = @_;
    syscall($SETSID);
    # A copy of a process copies each page that it writes to, and Perl's own dup writes to many.
    syscall($DUPLICATE, fileno $writing, $_, 0) for 1, 2;
    exec { "/bin/bash" } "bash", "-c", $script or print STDOUT "bash: $!\n";
    exit 126;
}

# How soon the kernel ends a process for want of memory; a script's inherit it.
sub set_score {
    my ($number) = @_;
    sysseek($score, 0, 0);
    syswrite($score, $number);
}

# Waits for the child; its exit status, and whether it was ended because the time was up.
sub follow {
    my ($output, $child, $before, $end) = @_;
    open(my $exit, "<&=", syscall($PIDFD_OPEN, $child, 0)) or die "lost\n";
    while (1) {
        my $left = $end - now();
        wait_for($left < $WATCH ? $left : $WATCH, $exit, $output->{ended} ? () : $output->{reading});
        take($output);
        my $statuses = reap();
        return ($statuses->{$child}, 0) if defined $statuses->{$child};
        if (now() >= $end) {
            kill_since($before);
            return (124, 1);
        }
        watch();
    }
}

# Takes what is left of the output, and waits a moment for what background processes still print.
sub finish {
    my ($output) = @_;
    my $until = now() + $GRACE;
    take($output);
    while (!$output->{ended} && (my $left = $until - now()) > 0) {
        wait_for($left, $output->{reading});
        take($output);
    }
}

# Takes the output that is there; what is beyond the limit is read, so that the script goes on, and dropped.
sub take {
    my ($output) = @_;
    my ($chunk, $count);
    $count = sysread($output->{reading}, $chunk, $CHUNK) if !$output->{ended};
    return if !defined $count;
    $output->{ended} = !$count;
    my $room = $most_output - length $output->{text};
    $output->{text} .= substr($chunk, 0, $room);
    $output->{cut} ||= $count > $room;
}

sub wait_for_request {
    while (1) {
        reap();
        return 1 if wait_for(has_children() ? $WATCH : undef, $requests);
        watch();
    }
}

# Waits until one of the handles can be read; how many can.
sub wait_for {
    my ($seconds, @handles) = @_;
    my $bits = "";
    vec($bits, fileno($_), 1) = 1 for @handles;
    return select($bits, undef, undef, defined $seconds && $seconds < 0 ? 0 : $seconds);
}

sub watch {
    return if now() - $watched < $WATCH;
    $watched = now();
    die "lost\n" if sum_memory() > $most_memory;
}

sub reply {
    my ($status, $flags, $output) = @_;
    print $replies "$status $flags ", length $output, "\n", $output;
}

# Takes over the descriptors, and closes what else was inherited.
sub settle {
    open($requests, "<&", \*STDIN) && open($replies, ">&", \*STDOUT) or die "dup: $!\n";
    # Opened before the process becomes undumpable, after which its files in /proc belong to nobody here.
    open($score, "+<", "/proc/self/oom_score_adj") or die "oom_score_adj: $!\n";
    open(STDIN, "+<", "/dev/null") && open(STDOUT, ">&", \*STDIN) && open(STDERR, ">&", \*STDIN) or die "null: $!\n";
    my $first = 3;
    for my $kept (sort { $a <=> $b } map { fileno $_ } $requests, $replies, $score) {
        syscall($CLOSE_RANGE, $first, $kept - 1, 0) if $kept > $first;
        $first = $kept + 1;
    }
    syscall($CLOSE_RANGE, $first, $LAST_DESCRIPTOR, 0);
    select $replies;
    $| = 1;
}

# Lets no process of the box get other capabilities, or look into this one.
sub protect {
    my %kept = map { $_ => 1 } @kept_capabilities;
    for my $capability (grep { !$kept{$_} } 0 .. $CAPABILITIES - 1) {
        next if !syscall($PRCTL, $DROP_FROM_BOUNDING_SET, $capability, 0, 0, 0);
        # This kernel knows no more of them.
        last if $! == $INVALID;
        die "prctl: $!\n";
    }
    # Now that nothing is left to be dropped, the capability to do so goes too. The ambient ones go with the inheritable.
    my $kept = 0;
    $kept |= 1 << $_ for @kept_capabilities;
    my ($head, $sets) = (pack("LL", $CAPABILITIES_OF_64_BITS, 0), pack("L6", ($kept) x 3, (0) x 3));
    die "capset: $!\n" if syscall($SET_CAPABILITIES, $head, $sets);
    die "prctl: $!\n" if syscall($PRCTL, $SET_DUMPABLE, 0, 0, 0, 0);
}

# Whatever the server ignores, as under nohup or behind a shell's &, a script must not.
sub heed_signals {
    my $default = "\0" x 32;
    syscall($SIGNAL_ACTION, $_, $default, 0, 8) for 1 .. 64;
}

%ENV = %ENVIRONMENT;
heed_signals();
settle();
protect();
serve();
