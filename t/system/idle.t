#!/usr/bin/perl
# 10 000 idle sessions: the whole gateway stays below 100 MB, and serves mail among them. (As many as
# open files allow; every process is counted.)
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::INET;
use List::Util qw(sum);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter);

# Perl can't raise its own limit: a shell does it for this script's second life.
if ( !$ENV{POTERNE_IDLE_LIMIT} ) {
    $ENV{POTERNE_IDLE_LIMIT} = 1;
    exec 'sh', '-c', 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"', 'sh', $^X, '-It/lib', $0;
}
plan skip_all => 'sanitizers take memory of their own' if ( $ENV{POTERNE_BUILD} // '' ) =~ /asan/;
chomp( my $files = `sh -c 'ulimit -n'` );
my $wanted = 10_000;
$wanted = int( $files / 2 ) - 200 if $files =~ /^\d+$/ && $files / 2 - 200 < $wanted;

my $to = 'jean@idle.example';
my $root = tempdir( 'poterne-idle-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => { smtp => { client_sessions_limit => 12_000 } },
    domains  => { 'idle.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
)->start;

sub megabytes {
    return sum values %{ Poterne::Gateway::memory_of( $gateway->processes ) };
}

my $before = megabytes();
my @sessions;
for ( 1 .. $wanted ) {
    my $socket = IO::Socket::INET->new( PeerAddr => '127.0.0.1', PeerPort => $gateway->{port} ) or last;
    push @sessions, $socket;
}
my $greeted = grep { ( readline($_) // '' ) =~ /^220 / } @sessions;
is( $greeted, $wanted, "$wanted sessions are open" );
my $after = megabytes();
note sprintf '%d idle sessions: %.1f MB in all, %.1f MB before them', $greeted, $after, $before;
cmp_ok( $after - $before, '<', 100 * $wanted / 10_000, 'they cost under 100 MB' );
cmp_ok( $after, '<', 100, 'and so do all processes together' );

my $message = letter($to);
is( $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message )->{code}, 250, 'mail among them' );
close $_ for @sessions;
is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
