#!/usr/bin/perl
# Outside scanners behind ICAP, as they are: Debian's c-icap with its virus_scan service, asked by
# RESPMOD and REQMOD, with 204 and without. Each finds the EICAR test file and lets a letter pass; a
# server or an engine behind it that is gone defers the message.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::CIcap;
use Poterne::Clamd;
use Poterne::Gateway;
use Poterne::Mail qw(eicar letter);
use Poterne::Process qw(wait_until);

plan skip_all => 'no clamd (package clamav-daemon)' if !Poterne::Clamd::there();
plan skip_all => 'no c-icap (packages c-icap, libc-icap-mod-virus-scan)' if !Poterne::CIcap::there();

my $to   = 'jean@icap.example';
my $root = tempdir( 'poterne-icap-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my @names   = qw(answers requests everything);
my $clamd   = Poterne::Clamd->start("$root/clamd");
my $icap    = Poterne::CIcap->start( "$root/icap", $clamd->{socket} );
my $url     = "icap://127.0.0.1:$icap->{port}";
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        antivirus            => { engines => '{ ' . join( ', ', @names ) . ' }', timeout => '10s' },
        'scanner answers'    => { type => 'icap', address => "$url/avscan" },
        'scanner requests'   => { type => 'icap', address => "$url/avscan", method => 'reqmod' },
        'scanner everything' => { type => 'icap', address => "$url/all" },
    },
    domains => { 'icap.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => [$to] } }
)->start;
my $sent = 0;

sub send_mail {
    my ($message) = @_;
    $sent++;
    return $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message )->{code};
}

# { engine => answer } of the last message, once the journal has it.
sub answers {
    my @all;
    wait_until( 20, sub { $sent == ( @all = $gateway->poterne_json( 'trace', '--limit', 1000 ) ) } );
    my ($last) = sort { $b->{id} cmp $a->{id} } @all;
    return { map { $_->{engine} => $_ } @{ $last->{evidence}{antivirus} // [] } };
}

# A preview is not enough for the second.
for my $letter ( letter($to), letter( $to, 'A long one', "a line of it\n" x 50_000 ) ) {
    is( send_mail($letter), 250, 'a letter of ' . length($letter) . ' bytes is taken' );
    my $of = answers();
    for my $name (@names) {
        is( $of->{$name}{result}, 'clean', "$name: clean" ) or diag $of->{$name}{name};
        like( $of->{$name}{version}, qr/C-ICAP/i, "$name tells what it is" );
    }
}
is( send_mail( eicar($to) ), 250, 'the sender of EICAR is not told' );
is( scalar $gateway->spooled('quarantine'), 1, 'it is in quarantine' );
my $of = answers();
for my $name (@names) {
    is( $of->{$name}{result}, 'infected', "$name found it" ) or diag $of->{$name}{name};
    like( $of->{$name}{name}, qr/eicar/i, "$name names it" );
}

$clamd->stop('KILL');
is( send_mail( letter($to) ), 451, 'the engine behind it is gone: deferred' );
$of = answers();
isnt( $of->{$_}{result}, 'clean', "$_ does not say clean" ) for @names;
note "$_: $of->{$_}{result} ($of->{$_}{name})" for @names;
$clamd->again;
is( send_mail( letter($to) ), 250, 'it is back' );
$icap->stop('KILL');
is( send_mail( letter($to) ), 451, 'c-icap is gone: deferred' );
$of = answers();
is( $of->{$_}{result}, 'failed', "$_ has failed" ) for @names;
$icap->again;
is( send_mail( letter($to) ), 250, 'it is back' );

is( $gateway->stop, 0, 'the gateway stops as asked' );
$icap->stop;
$clamd->stop;
done_testing();
