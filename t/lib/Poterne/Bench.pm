# What the benchmarks of whole gateways share: mail poured in over many sessions, a server that throws it away,
# latency at a fixed rate, and what a tree of processes takes. Figures are lines of `name value unit`.
package Poterne::Bench;

use strict;
use warnings;

use Exporter 'import';
use POSIX qw(sysconf _SC_CLK_TCK);
use Time::HiRes qw(sleep time);

use Poterne::Data qw(corpus_messages as_client_sends);
use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(free_port wait_for_port start_process);
use Poterne::Smtp;
use Poterne::Tree qw(slurp);

our @EXPORT_OK = qw(figure remark middle typical_messages pour start_sink cpu_of settle total memory_of latencies percentile);

use constant { SESSIONS => 20, SENDERS => 10, SIZE => 5300 };

sub figure {
    my ( $name, $value, $unit ) = @_;
    my $digits = $value >= 100 ? 0 : $value >= 10 ? 1 : 3;
    printf "%-48s %12.*f %s\n", $name, $digits, $value, $unit;
    return;
}

sub remark {
    print "# @_\n";
    return;
}

sub middle {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[ @sorted / 2 ];
}

sub percentile {
    my ( $part, @sorted ) = @_;
    return @sorted ? $sorted[ $part * @sorted ] : 0;
}

# --- mail ---

# `n` real hams whose mean size is about SIZE, or, without the corpora, letters as long.
sub typical_messages {
    my ($n) = @_;
    my @ham = sort { length $a <=> length $b }
        grep { length $_ > 1000 && length $_ < 3 * SIZE }
        map  { as_client_sends( slurp( $_->[1] ) ) } grep { $_->[0] eq 'ham' } corpus_messages(3000);
    if ( @ham < 10 * $n ) {
        remark('the corpora of ../shared/data are absent: made-up letters are sent');
        my $line = "The measurements of October are in the table below, with last year's beside them.\n";
        return map { letter( 'user@bench.example', "Measurements $_", $line x ( SIZE / length $line ) ) } 1 .. $n;
    }

    # each smaller one has a larger one beside it, so that their mean is SIZE
    my @typical;
    for my $k ( 0 .. int( ( $n - 1 ) / 2 ) ) {
        my $small = $ham[ @ham * ( 0.15 + 0.5 * $k / $n ) ];
        push @typical, $small, ( sort { abs( length($a) + length($small) - 2 * SIZE ) <=> abs( length($b) + length($small) - 2 * SIZE ) } @ham )[0];
    }
    return @typical[ 0 .. $n - 1 ];
}

# The program of Postfix's, wherever it lies.
sub postfix_tool {
    my ($name) = @_;
    my ($path) = grep { -x } "/usr/sbin/$name", "/usr/bin/$name";
    return $path // die "bench: $name is missing: apt-get install postfix\n";
}

# Seconds until `n` messages were taken: SENDERS processes, each with one of the files, SESSIONS connections in all.
sub pour {
    my ( $port, $to, $n, @files ) = @_;
    my $start = time;
    my @pids;
    for my $sender ( 0 .. SENDERS - 1 ) {
        my $pid = fork // die "fork: $!\n";
        if ( !$pid ) {
            exec postfix_tool('smtp-source'), '-s', SESSIONS / SENDERS, '-m', int( $n / SENDERS ), '-f', 'a@remote.example',
                '-t', $to, '-F', $files[ $sender % @files ], "127.0.0.1:$port"
                or POSIX::_exit(127);
        }
        push @pids, $pid;
    }
    for my $pid (@pids) {
        waitpid $pid, 0;
        die "bench: smtp-source ended with $?\n" if $?;
    }
    return time - $start;
}

# (port, pid) of a server that takes all and keeps nothing.
sub start_sink {
    my ($log) = @_;
    my $port = free_port();
    my @user = $> == 0 ? ( '-u', 'nobody' ) : ();
    my $pid = start_process( $log, postfix_tool('smtp-sink'), @user, "127.0.0.1:$port", 1000 );
    wait_for_port( $port, 10, $pid ) or die "bench: smtp-sink does not listen: " . slurp($log);
    return ( $port, $pid );
}

# --- how long a client waits for the answer to its message ---

sub send_paced {
    my ( $port, $to, $seconds, $pause, @messages ) = @_;
    my $smtp = Poterne::Smtp->new( port => $port );
    $smtp->hello;
    my $end = time + $seconds;
    sleep rand $pause;
    for ( my ( $n, $due ) = ( 0, time ) ; $due < $end ; $n++, $due += $pause ) {
        sleep $due - time if $due > time;
        my $bytes = Poterne::Smtp::dotted( \$messages[ $n % @messages ] );
        $smtp->command('MAIL FROM:<a@remote.example>');
        $smtp->command("RCPT TO:<$to>");
        $smtp->command('DATA');
        my $start = time;
        $smtp->put($bytes);
        my ($code) = $smtp->reply;
        printf "%d %.6f\n", $code, time - $start;
    }
    $smtp->quit;
    return;
}

# Seconds from the end of the data to its 250, sorted: messages at `rate` a second over SESSIONS sessions.
sub latencies {
    my ( $port, $to, $rate, $seconds, @messages ) = @_;
    my @pipes;
    for my $session ( 1 .. SESSIONS ) {
        my $pid = open( my $pipe, '-|' ) // die "fork: $!\n";
        if ( !$pid ) {
            srand $session;
            send_paced( $port, $to, $seconds, SESSIONS / $rate, @messages );
            close STDOUT;
            POSIX::_exit(0);
        }
        push @pipes, $pipe;
    }
    my @lines = map { readline $_ } @pipes;
    my @taken = grep { /^250 / } @lines;
    remark( @lines - @taken . ' messages were not taken' ) if @lines != @taken;
    my @sorted = sort { $a <=> $b } map { (split)[1] } @taken;
    return @sorted;
}

# --- what processes take ---

# Some write what they do where their name was.
sub name_of {
    my ($pid) = @_;
    my $role = Poterne::Gateway::role_of($pid);
    return $role if $role =~ /^[\w.-]+$/;
    chomp( my $command = eval { slurp("/proc/$pid/comm") } // 'gone' );
    return $command;
}

# { name => [pids] } of the trees below and with these processes.
sub processes_of {
    my (@tops) = @_;
    my %found;
    for my $top (@tops) {
        my $below = Poterne::Gateway::processes_below($top);
        push @{ $found{ name_of($_) } }, $_ for $top, map { @$_ } values %$below;
    }
    return \%found;
}

# { name => seconds of processor time }; who has ended counts for the process that waited for it.
sub cpu_of {
    my (@tops) = @_;
    my $processes = processes_of(@tops);
    my %seconds;
    for my $name ( keys %$processes ) {
        for my $pid ( @{ $processes->{$name} } ) {
            my $stat = eval { slurp("/proc/$pid/stat") } // next;
            my @field = split / /, $stat =~ s/.*\) //sr;
            $seconds{$name} += ( $field[11] + $field[12] + $field[13] + $field[14] ) / sysconf(_SC_CLK_TCK);
        }
    }
    return \%seconds;
}

# Until what they do at their start is over: three seconds almost without work.
sub settle {
    my ( $seconds, @tops ) = @_;
    my $end = time + $seconds;
    while ( time < $end ) {
        my ($before) = map { total($_) } cpu_of(@tops);
        sleep 3;
        return if total( cpu_of(@tops) ) - $before < 0.1;
    }
    remark("still at work after $seconds seconds, measured all the same");
    return;
}

sub total {
    my ($of) = @_;
    my $sum = 0;
    $sum += $_ for values %$of;
    return $sum;
}

sub memory_of {
    my (@tops) = @_;
    return Poterne::Gateway::memory_of( processes_of(@tops) );
}

1;
