# An rspamd of our own on a port of 127.0.0.1, to measure beside: its own rules, no network, no Bayes.
package Poterne::Rspamd;

use strict;
use warnings;

use File::Path qw(make_path);
use POSIX qw(sysconf _SC_CLK_TCK);
use Poterne::Process qw(free_port start_process stop_process wait_for_port);
use Poterne::Tree qw(slurp);

use constant CONFIG => '/etc/rspamd/rspamd.conf';

# What asks others, or has nothing to do with looking at one message.
my @modules = qw(arc asn dkim dmarc fuzzy_check greylist mx_check phishing ratelimit rbl spf surbl url_redirector);

sub there {
    return -r CONFIG && ( grep { -x "$_/rspamd" } qw(/usr/bin /usr/sbin) ) && -x '/usr/bin/rspamc';
}

sub put {
    my ( $path, $text ) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    return;
}

# Asked by rspamc, or as a milter that looks at mail itself, with a process for each processor.
sub put_workers {
    my ( $root, $port, $milter ) = @_;
    my ( $on, @off ) = $milter ? qw(proxy normal controller fuzzy) : qw(normal proxy controller fuzzy);
    my $more = $milter
        ? "count = 2;\nmilter = yes;\ntimeout = 60s;\nupstream \"local\" { default = yes; self_scan = yes; }\n"
        : "count = 1;\n";
    put( "$root/local.d/worker-$on.inc", "enabled = true;\nbind_socket = \"127.0.0.1:$port\";\n$more" );
    put( "$root/local.d/worker-$_.inc",  "enabled = false;\n" ) for @off;
    return;
}

# Options: milter (instead of rspamc's protocol), clamd (its socket, asked about each message). Compiling its patterns
# takes it most of a minute; undef when it is not up in `seconds`.
sub start {
    my ( $class, $root, $seconds, %option ) = @_;
    my $port = free_port();
    make_path( map {"$root/$_"} qw(local.d db run log) );
    put_workers( $root, $port, $option{milter} );
    put( "$root/local.d/antivirus.conf",
        "clamav { type = \"clamav\"; servers = \"$option{clamd}\"; action = \"reject\"; scan_mime_parts = false; }\n" )
        if $option{clamd};
    put( "$root/local.d/$_.conf",       "enabled = false;\n" ) for @modules;
    put( "$root/local.d/classifier-bayes.conf", "enabled = false;\nautolearn = false;\n" );
    put( "$root/local.d/options.inc",
        "dns { nameserver = [\"127.0.0.1:9\"]; timeout = 0.1s; retransmits = 1; }\n" );
    my $pid = start_process( "$root/out", 'rspamd', '-f', ( $> == 0 ? '--insecure' : () ), '-c', CONFIG,
        map {"--var=$_"} "LOCAL_CONFDIR=$root", "DBDIR=$root/db", "RUNDIR=$root/run", "LOGDIR=$root/log" );
    my $self = bless { pid => $pid, port => $port, root => $root }, $class;
    return $self if wait_for_port( $port, $seconds, $pid );
    $self->stop;
    return;
}

# True when all were looked at.
sub scan {
    my ( $self, @paths ) = @_;
    my $seen = 0;
    while ( my @some = splice @paths, 0, 100 ) {
        open my $answers, '-|', 'rspamc', '-h', "127.0.0.1:$self->{port}", '-n', 4, @some or die "rspamc: $!\n";
        while (<$answers>) { $seen++ if /^Action: / }
        close $answers;
        $seen -= @some;
    }
    return $seen == 0;
}

# Seconds on processors of the process that looks at mail.
sub cpu {
    my ($self) = @_;
    my $sum = 0;
    for my $stat ( glob '/proc/[0-9]*/stat' ) {
        my $text = eval { slurp($stat) } // next;
        my ( $name, @field ) = ( $text =~ /\((.*)\)/s, split / /, $text =~ s/.*\) //sr );
        next if $field[1] != $self->{pid};
        my $command = eval { slurp( $stat =~ s/stat$/cmdline/r ) } // '';
        $sum += ( $field[11] + $field[12] ) / sysconf(_SC_CLK_TCK) if $command =~ /normal process/;
    }
    return $sum;
}

sub stop {
    my ($self) = @_;
    stop_process( $self->{pid}, 'TERM', 20 );
    return;
}

1;
