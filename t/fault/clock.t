#!/usr/bin/perl
# The time of day jumps, days ahead, years ahead, and back, while the gateway runs and while it does not: sessions go on,
# nothing expires at once, tries are made, and the journal forgets nothing.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep);
use lib 't/lib';
use Poterne::Faults;
use Poterne::Gateway;
use Poterne::Mail qw(eicar);
use Poterne::Process qw(free_port wait_until);
use Poterne::Sink;

plan skip_all => Poterne::Faults::missing() if Poterne::Faults::missing();

use constant { DAY => 86_400, YEARS => 12 * 365 * 86_400, PAUSE => 5 };    # tries and sweeps are made each second

my $root = tempdir( 'poterne-clock-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $faults = Poterne::Faults->new;
my $port = free_port();
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        queue  => { retry_first => '1s', retry_max => '1s', lifetime => '1h' },
        gate   => { inside      => '{ 127.0.0.0/8 }' },
        limits => { shared      => '{ 127.0.0.0/8 }' },
    },
    domains => {
        'box.example'  => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => ['@box.example'] },
        'sink.example' => { next_hop => "smtp://127.0.0.1:$port", recipients => ['@sink.example'] },
    }
);
my $start = sub {
    $faults->loaded( sub { $gateway->start } );
};
$start->();
my $number = 0;

sub send_message {
    my ($to) = @_;
    my $text = "Subject: message\nX-Sequence: <" . ++$number . ">\n\nhello\n";
    return ( eval { $gateway->send_one( from => 'anne@box.example', to => [$to], data => \$text ) } // { code => 0 } )->{code};
}

sub delivered {
    my ($address) = @_;
    my ($entry) = grep { $_->{id} } $gateway->poterne_json( 'trace', $address );
    return $entry && $entry->{recipients}[0]{state} eq 'delivered';
}

sub bounces {
    return scalar grep {/^Content-Type: multipart\/report/mi} $gateway->maildir_messages('anne@box.example');
}

# What waits is tried, and not given up, for some seconds from here.
sub waits {
    my ( $what, $waiting ) = @_;
    sleep PAUSE;
    is( scalar( () = $gateway->spooled('queue') ), $waiting, "$what: what is in the queue stays there" );
    is( scalar( () = $gateway->spooled('quarantine') ), 1, '… as does what is held' );
    is( bounces(), 0, '… nobody hears that it was given up' );
    ok( delivered('known@box.example'), '… and the journal forgets nothing' );
    return;
}

is( send_message('known@box.example'), 250, 'a message' );
ok( wait_until( 60, sub { delivered('known@box.example') } ), 'is delivered, and noted' );
is( $gateway->send_one( from => 'anne@box.example', to => ['held@box.example'], data => \eicar('held@box.example') )->{code}, 250, 'a virus is held' );
is( send_message('ok@sink.example'), 250, 'one waits for its next hop' );
my $session = $gateway->smtp;
$session->hello;

# --- ahead ---

sub says {
    my ( $from, $what ) = @_;
    ok( $gateway->wait_for_log( qr/$_\[\d+\] warning: .*the clock $what/, $from ), "… $_ says so" ) for qw(delivery journal);
    return;
}

sub jump {
    my ( $what, $seconds ) = @_;
    my $from = length $gateway->log_text;
    $faults->clock($seconds);
    says( $from, 'went ahead by \d+ hours' );
    like( join( ' ', $session->command('NOOP') ), qr/^250 /, "$what: a session goes on" );
    is( send_message('later@box.example'), 250, '… mail is taken' );
    waits( $what, 1 );
    unlike( substr( $gateway->log_text, $from ), qr/expired|given up after/, '… nothing expires' );
    return;
}

jump( 'two days ahead', 2 * DAY );
# who doubts already does not say so again
my $before = length $gateway->log_text;
$faults->clock(0);
is( send_message('later@box.example'), 250, 'set right: mail is taken' );
says( $before, 'is believed again' );
jump( 'twelve years ahead', YEARS );

# --- over a restart: the clock is wrong from the beginning ---

is( $gateway->stop, 0, 'it ends, twelve years ahead' );
$start->();
waits( 'started twelve years ahead', 1 );
is( send_message('ahead@sink.example'), 250, 'mail is taken' );
sleep 2;

# --- back ---

$faults->clock( -3 * DAY );
is( send_message('back@sink.example'), 250, 'three days back: mail is taken' );
waits( 'three days back', 3 );
my $sink = Poterne::Sink->start( root => "$root/sink", smtp => 1, port => $port );
ok( $gateway->wait_for_empty_queue(60), 'and tries are made: all of it is delivered' );
is( scalar( () = $sink->messages("$_\@sink.example") ), 1, "$_, once" ) for qw(ok ahead back);
ok( wait_until( 30, sub { delivered("$_\@sink.example") } ), "… which the journal knows" ) for qw(ok ahead back);
$faults->clock(0);
is( send_message('known@box.example'), 250, 'set right: mail is taken' );
ok( $gateway->wait_for_empty_queue(60), 'and delivered' );
is( $gateway->stop, 0, 'all ends well' );
done_testing();
