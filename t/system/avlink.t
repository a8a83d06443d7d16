#!/usr/bin/perl
# Outside scanners, as they are: Debian's clamd over its Unix socket and over TCP. Each finds the EICAR
# test file and lets a letter pass; one that is gone, hangs or dies defers the message, as the policy says.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Clamd;
use Poterne::Gateway;
use Poterne::Mail qw(eicar header_of letter);
use Poterne::Process qw(wait_until);

plan skip_all => 'no clamd (package clamav-daemon)' if !Poterne::Clamd::there();

my $to   = 'jean@link.example';
my $root = tempdir( 'poterne-avlink-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $clamd   = Poterne::Clamd->start("$root/clamd");
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        antivirus        => { engines => '{ local, yara, remote }', timeout => '5s' },
        'scanner local'  => { type => 'clamd', address => "\"$clamd->{socket}\"" },
        'scanner remote' => { type => 'clamd', address => "127.0.0.1:$clamd->{port}" },
    },
    domains => { 'link.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => [$to] } }
)->start;

my $sent = 0;

sub send_mail {
    my ($message) = @_;
    $sent++;
    return $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message );
}

# What the journal keeps of the last message, once it has it: { engine => answer }, and their order.
sub answers {
    my @all;
    wait_until( 20, sub { $sent == ( @all = $gateway->poterne_json( 'trace', '--limit', 1000 ) ) } );
    my ($last) = sort { $b->{id} cmp $a->{id} } @all;
    my @list = @{ $last->{evidence}{antivirus} // [] };
    return ( { map { $_->{engine} => $_ } @list }, join ' ', map { $_->{engine} } @list );
}

sub changed {
    my (%antivirus) = @_;
    $gateway->{settings}{antivirus} = { timeout => '5s', %antivirus };
    $gateway->write_conf;
    return $gateway->reload;
}

# --- found, and not ---

is( send_mail( letter($to) )->{code}, 250, 'a letter is taken' );
ok( wait_until( 20, sub { $gateway->maildir_messages($to) } ), 'and delivered' );
my ( $of, $order ) = answers();
is( $order, 'local yara remote', 'every engine answered, in the order of the settings' );
is( $of->{$_}{result}, 'clean', "$_ says clean" ) for qw(local yara remote);
like( $of->{$_}{version}, qr/^ClamAV \d/, "$_ tells its version" ) for qw(local remote);

is( send_mail( eicar($to) )->{code}, 250, 'the sender of EICAR is not told' );
is( scalar $gateway->spooled('quarantine'), 1, 'it is in quarantine' );
($of) = answers();
for my $engine (qw(local remote)) {
    is( $of->{$engine}{result}, 'infected', "$engine found it" );
    like( $of->{$engine}{name}, qr/Eicar/, "$engine names it" );
}

# --- one that is not there ---

my @processes = @{ $gateway->processes->{avlink} // [] };
cmp_ok( scalar @processes, '>', 1, 'avlink has a leader and workers' );
$clamd->stop('KILL');
is( send_mail( letter($to) )->{code}, 451, 'clamd is gone: deferred' );
( $of, $order ) = answers();
is( send_mail( eicar($to) )->{code}, 250, 'what another engine finds is found' );
is( scalar $gateway->spooled('quarantine'), 2, 'and in quarantine' );
($of) = answers();
is( $of->{local}{result}, 'failed', 'local has failed' );
like( $of->{local}{name}, qr/cannot connect/, 'and says why' );
is( $of->{yara}{result}, 'infected', 'yara has not' );

ok( changed( engines => '{ local, yara }', unavailable => 'pass' ), 'policy pass' );
is( send_mail( letter($to) )->{code}, 250, 'a letter is taken without clamd' );
ok( wait_until( 20, sub { $gateway->maildir_messages($to) > 1 } ), 'and delivered' );
my ($marked) = grep { /^X-Poterne-Antivirus: local failed/m } $gateway->maildir_messages($to);
ok( $marked, 'marked with what did not look at it' );
ok( changed( engines => '{ local, yara, remote }' ), 'policy defer' );
$clamd->again;
is( send_mail( letter($to) )->{code}, 250, 'clamd is back, nothing else was needed' );

# --- one that hangs ---

kill 'STOP', $clamd->{pid};
my $began = time;
is( send_mail( letter($to) )->{code}, 451, 'clamd hangs: deferred' );
cmp_ok( time - $began, '<=', 15, 'within the time-out' );
kill 'CONT', $clamd->{pid};
is( send_mail( letter($to) )->{code}, 250, 'it goes on: a letter is taken' );

# --- avlink itself ---

$gateway->signal_role( 'KILL', 'avlink', sub { grep { $_ != $processes[0] } @_ } );
ok( wait_until( 20, sub { send_mail( letter($to) )->{code} == 250 } ), 'killed workers are replaced' );
$gateway->signal_role( 'KILL', 'avlink' );
ok( wait_until( 20, sub { send_mail( letter($to) )->{code} == 250 } ), 'and so is the whole of it' );

ok( changed( engines => '{ clamav, yara }' ), 'no outside scanner any more' );
ok( wait_until( 20, sub { !$gateway->processes->{avlink} } ), 'avlink goes' );
is( send_mail( letter($to) )->{code}, 250, 'a letter is taken' );
ok( changed( engines => '{ remote }' ), 'nothing but an outside scanner' );
is( send_mail( letter($to) )->{code}, 250, 'a letter is taken' );
is( send_mail( eicar($to) )->{code}, 250, 'EICAR is taken' );
($of, $order) = answers();
is( $order, 'remote', 'nobody else was asked' );
is( $of->{remote}{result}, 'infected', 'and it found it' );
is( scalar $gateway->spooled('quarantine'), 3, 'it is in quarantine' );

# --- poterne check asks them, too ---

for my $case ( [ letter($to), 'ham', 'clean' ], [ eicar($to), 'infected', 'infected' ] ) {
    my ( $message, $verdict, $result ) = @$case;
    Poterne::Gateway::write_file( "$root/message.eml", $message );
    my ($told) = $gateway->poterne_json( 'check', "$root/message.eml" );
    is( $told->{verdict}, $verdict, "check: $verdict" );
    is( $told->{antivirus}[0]{engine}, 'remote', 'asked of clamd' );
    is( $told->{antivirus}[0]{result}, $result, "which says $result" );
}

is( $gateway->stop, 0, 'the gateway stops as asked' );
$clamd->stop;
done_testing();
