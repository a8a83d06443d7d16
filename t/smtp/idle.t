#!/usr/bin/perl
# Idle sessions cost little memory and no time: two thousand, or with POTERNE_TEST_ALL ten thousand
# (as far as open files allow).
use strict;
use warnings;
use Test::More;
use lib 't/lib';
use Poterne::World;

my $hard = `sh -c 'ulimit -Hn'`;
my $files = $hard =~ /(\d+)/ ? $1 : 1_000_000;
my $wanted = $ENV{POTERNE_TEST_ALL} ? 10_000 : 2_000;
my $most = int( $files * 2 / 3 ) - 100;    # edge keeps a third for what it does
my $sessions = $most < $wanted ? $most : $wanted;

# Perl can't raise its own limit: a shell does it for this script's second life.
if ( !$ENV{POTERNE_IDLE_LIMIT} ) {
    $ENV{POTERNE_IDLE_LIMIT} = 1;
    exec 'sh', '-c', 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"', 'sh', $^X, '-It/lib', $0;
}

sub memory_of {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/status" or die "/proc/$pid/status: $!\n";
    my ($kb) = map {/^VmRSS:\s+(\d+)/} <$file>;
    return $kb / 1024;
}

sub cpu_of {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/stat" or die "/proc/$pid/stat: $!\n";
    my @field = split ' ', <$file> =~ s/^.*\) //r;
    return ( $field[11] + $field[12] ) / 100;
}

my $world = Poterne::World->start( settings =>
        "smtp { sessions_limit = 11500; client_sessions_limit = 11500 }\nlog_level = error" );
my $pid = $world->edge_pid;
my $before = memory_of($pid);
my @sessions = map { $world->client } 1 .. $sessions;
my $after = memory_of($pid);
my $each = ( $after - $before ) * 1024 / $sessions;
note sprintf '%d sessions: %.1f MB, of which %.1f MB before; %.2f kB a session', $sessions, $after, $before, $each;
my $sanitized = ( $ENV{POTERNE_BUILD} // '' ) =~ /asan/;
cmp_ok( $each, '<', $sanitized ? 16 : 4, 'kB a session' );

my $cpu = cpu_of($pid);
sleep 2;
cmp_ok( ( cpu_of($pid) - $cpu ) / 2, '<', 0.05, 'seconds of CPU a second' );
like( $world->client->send_mail("hello\n"), qr/^250 /, 'a message among them' );
done_testing();
