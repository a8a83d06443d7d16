#!/usr/bin/perl
# Outside scanners that are programs (t/unit/outside_scanner.c stands in for one), run by the gateway's
# own processes in their sandboxes: what they find is held; one that crashes, hangs, floods or is not
# understood defers the message, and nothing of it is left.
use strict;
use warnings;

use File::Copy qw(copy);
use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(eicar letter);
use Poterne::Process qw(command_output wait_until);

my $build   = $ENV{POTERNE_BUILD} // 'build';
my $program = "$build/t/unit/outside_scanner";
plan skip_all => "no $program: make check-programs" if !-x $program;

my $to   = 'jean@command.example';
my $root = tempdir( 'poterne-command-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
mkdir "$root/product";
copy( $program, "$root/product/scanner" ) or die "$root/product/scanner: $!\n";
chmod 0755, "$root/product", "$root/product/scanner";
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => { antivirus => { engines => '{ program }', timeout => '3s', workers => 1 }, scanner_settings('look') },
    domains => { 'command.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => [$to] } }
)->start;
my $sent = 0;

sub scanner_settings {
    my ($act) = @_;
    return (
        'scanner program' => {
            type     => 'command',
            command  => "{ \"$root/product/scanner\", $act, %f }",
            clean    => '{ 0 }',
            infected => '{ 13 }',
            found    => '"Found the (.+?) virus"',
        }
    );
}

sub acting {
    my ($act) = @_;
    $gateway->{settings} = { %{ $gateway->{settings} }, scanner_settings($act) };
    $gateway->write_conf;
    return $gateway->reload;
}

sub send_mail {
    my ($message) = @_;
    $sent++;
    return $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message )->{code};
}

sub answer {
    my @all;
    wait_until( 20, sub { $sent == ( @all = $gateway->poterne_json( 'trace', '--limit', 1000 ) ) } );
    my ($last) = sort { $b->{id} cmp $a->{id} } @all;
    return $last->{evidence}{antivirus}[0];
}

# Processes of the stand-in that are alive.
sub running {
    my $n = 0;
    for my $exe ( glob '/proc/[0-9]*/exe' ) {
        $n++ if ( readlink($exe) // '' ) eq "$root/product/scanner";
    }
    return $n;
}

is( send_mail( letter($to) ), 250, 'a letter is taken' );
is( answer()->{result}, 'clean', 'the program says clean' ) or diag answer()->{name};
is( send_mail( eicar($to) ), 250, 'the sender of EICAR is not told' );
is( scalar $gateway->spooled('quarantine'), 1, 'it is in quarantine' );
is( answer()->{result}, 'infected', 'the program found it' ) or diag answer()->{name};
is( answer()->{name}, 'EICAR test file', 'and names it' );

for my $case ( [ 'crash', qr/died/ ], [ 'flood', qr/output of more/ ], [ '"exit", 7', qr/exit code 7/ ],
    [ 'hang', qr/no answer within 3 s/ ], [ 'escape', qr/exit code 127/ ] )
{
    my ( $act, $why ) = @$case;
    ok( acting($act), "a program that does $act" );
    is( send_mail( letter($to) ), 451, 'the message is deferred' );
    like( answer()->{name}, $why, 'the reason is told' );
    ok( wait_until( 5, sub { running() == 0 } ), 'nothing of it runs on' );
}
ok( acting('look'), 'it works again' );
is( send_mail( letter($to) ), 250, 'a letter is taken' );
my @left = grep { -f } glob "$root/gateway/run/avlink/*/*/*";
is( "@left", '', 'no file is left' );

is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
