#!/usr/bin/perl
# The resolver on its own way down from a root: a signed root, a top-level domain and domains below, on
# name servers in a network namespace. What is signed is proved, what was forged is never "no record",
# what is not signed is taken; and domains whose servers are silent do not switch the DNS off.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Test::More;
use lib 't/lib';
use Poterne::DnsTree;
use Poterne::Gateway;
use Poterne::Process qw(wait_until);

my $missing = Poterne::DnsTree::enter();
plan skip_all => $missing if $missing;

my $root = tempdir( 'poterne-root-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;

my %zones = (
    '.'        => { address => '127.0.0.2', signed => 1 },
    'example.' => { address => '127.0.0.3', signed => 1, records => ['www.example. 300 IN A 192.0.2.1'] },
    'good.example.' => {
        address => '127.0.0.4',
        signed  => 1,
        records => [ 'www.good.example. 300 IN A 192.0.2.2', 'to.good.example. 300 IN CNAME www.plain.example.', 'good.example. 300 IN MX 10 www.good.example.' ]
    },
    # what it says was changed after it was signed
    'forged.example.' => {
        address => '127.0.0.4',
        signed  => 1,
        records => [ 'www.forged.example. 300 IN A 192.0.2.3', 'forged.example. 300 IN TXT "v=spf1 -all"' ],
        change  => [ '192.0.2.3', '192.0.2.66' ]
    },
    # above it stands that it is signed, but it is not: signatures were taken out on the way
    'stripped.example.' => { address => '127.0.0.4', stripped => 1, records => ['stripped.example. 300 IN TXT "v=spf1 +all"'] },
    'plain.example.'    => { address => '127.0.0.4', records  => ['www.plain.example. 300 IN A 192.0.2.4'] },
    # a key, but nothing above it that says so
    'island.example.' => { address => '127.0.0.4', signed => 1, insecure => 1, records => ['www.island.example. 300 IN A 192.0.2.5'] },
    ( map { ( "silent$_.example." => { address => '127.0.0.9', silent => 1 } ) } 1 .. 12 ),
);
my $silent = IO::Socket::INET->new( LocalAddr => '127.0.0.9', LocalPort => 53, Proto => 'udp' ) or die "127.0.0.9: $!\n";
my $tree = Poterne::DnsTree->new( folder => "$root/dns", zones => \%zones )->start;
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    domains  => { 'dns.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => ['jean.toto@dns.example'] } },
    settings => {
        ''       => { hostname => 'mx.good.example' },
        resolver => { enabled => 'yes', root_hints => '"' . $tree->hints . '"', trust_anchor => '"' . $tree->anchor . '"' },
    },
)->start;

sub ask {
    my ( $name, $type ) = @_;
    my ($answer) = $gateway->poterne_json( 'dns', $name, $type // 'A' );
    return $answer // { status => 'none' };
}

# At once, each for itself.
sub ask_all {
    my (@names) = @_;
    my @pids;
    for my $name (@names) {
        my $pid = fork // die "fork: $!\n";
        if ( !$pid ) {
            ask($name);
            POSIX::_exit(0);
        }
        push @pids, $pid;
    }
    waitpid $_, 0 for @pids;
    return;
}

sub is_answer {
    my ( $name, $type, $status, $secure, $what ) = @_;
    my $answer = ask( $name, $type );
    is( "$answer->{status} " . ( $answer->{secure} ? 'secure' : 'not secure' ), "$status $secure", $what ) or diag explain $answer;
    return $answer;
}

my ($status) = $gateway->poterne_json('dns');
ok( $status->{dnssec}, 'DNSSEC is checked with an anchor of its own' );
is( $status->{servers}, 0, 'no server is named' );

is_deeply( is_answer( 'www.good.example', 'A', 'found', 'secure', 'down to a signed domain: proved' )->{records}, ['192.0.2.2'], 'and it is the address' );
is_answer( 'good.example',         'MX',  'found',   'secure', 'another type' );
is_answer( 'nobody.good.example',  'A',   'no such name', 'secure', 'that there is no such name is proved' );
is_answer( 'www.good.example',     'TXT', 'no such record', 'secure', 'and that there is no such record' );
is_answer( 'nobody.example',       'A',   'no such name', 'secure', 'by a domain above' );
is_answer( 'nobody',               'A',   'no such name', 'secure', 'and by the root' );
is_answer( 'www.plain.example',    'A',   'found',   'not secure', 'a domain that is not signed' );
is_answer( 'nobody.plain.example', 'A',   'no such name', 'not secure', 'and what is not in it' );
is_answer( 'www.island.example',   'A',   'found',   'not secure', 'a key that nobody above vouches for is none' );
is_answer( 'to.good.example',      'A',   'found',   'not secure', 'an alias is as good as what it names' );
for my $case ( [ 'www.forged.example', 'A', 'a forged record' ], [ 'stripped.example', 'TXT', 'a domain whose signatures were taken out' ],
    [ 'nobody.stripped.example', 'A', 'what it says there is not' ] )
{
    my $answer = ask( @{$case}[ 0, 1 ] );
    like( $answer->{status}, qr/^(?:forged|failed)/, "$case->[2] is a failure and never an answer, or none" ) or diag explain $answer;
}
is_answer( 'forged.example', 'TXT', 'found', 'secure', 'what was not forged beside it is proved' );

# --- an attacker's domains: each with servers that are silent ---

my $asking = fork // die "fork: $!\n";
if ( !$asking ) {
    ask_all( map {"a$_.silent$_.example"} 1 .. 12 );
    POSIX::_exit(0);
}
sleep 3;
my ($now) = $gateway->poterne_json('dns');
cmp_ok( $now->{open}, '>=', 5, 'many silent domains are asked for at once' );
ok( !$now->{away}, 'and the DNS is not held for away' );
is( ask('www.plain.example')->{status}, 'found', 'others are answered' );
is( ask('another.plain.example')->{status}, 'no such name', 'and asked' );
waitpid $asking, 0;
($now) = $gateway->poterne_json('dns');
is( $now->{outages}, 0, 'there was no outage' );
like( ask('a1.silent1.example')->{status}, qr/^failed/, 'what a silent domain holds is not known' );

# --- all of them are silent ---

$tree->pause;
ask_all( map {"gone$_.plain.example"} 1 .. 12 );
($now) = $gateway->poterne_json('dns');
is( $now->{outages}, 1, 'where all are silent, and the probe is too, the DNS is away' );
like( ask('gone.plain.example')->{status}, qr/^failed/, 'which is a failure and never "no such name"' );
is( ask('www.good.example')->{status}, 'found', 'what is known still is' );
$tree->resume;
ok( wait_until( 60, sub { !( $gateway->poterne_json('dns') )[0]->{away} } ), 'and it comes back' );
ok( wait_until( 60, sub { ask( 'back' . rand() . '.plain.example' )->{status} eq 'no such name' } ), 'and is asked' );

is( $gateway->stop, 0, 'the gateway stops as asked' );
$tree->stop;
done_testing();
