#!/usr/bin/perl
# What is asked of a client before it brings a message: to wait for the greeting, to say a name of its
# own, to make few mistakes, not to guess recipients, and, where so set, to come again.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use lib 't/lib';
use Poterne::World;

my $proxy = 'proxy_from = { 127.0.0.0/8 }';

# A client that comes from an address of our choice.
sub from {
    my ( $world, $ip, %option ) = @_;
    my $client = $world->client( silent => 1 );
    $client->bytes("PROXY TCP4 $ip 198.51.100.7 1025 25\r\n");
    return $client if $option{silent};
    $client->hear;
    $client->ask('EHLO client.example') if !$option{no_ehlo};
    return $client;
}

sub seconds(&) {
    my ($act) = @_;
    my $start = time;
    $act->();
    return time - $start;
}

# --- early talkers ---

{
    my $world = Poterne::World->start( settings => "gate { $proxy; early_talker = 2s }" );
    my $eager = from( $world, '192.0.2.1', silent => 1 );
    select undef, undef, undef, 0.3;
    $eager->say('EHLO eager.example');
    like( $eager->hear(5), qr/^554 5\.5\.1 /, 'who speaks before the greeting is refused' );
    ok( $eager->closed, 'and closed' );
    is( $world->told(qr/^refused/), 'refused connect 554 ', 'the journal hears of it' );
    my $at_once = $world->client( silent => 1 );
    $at_once->bytes("PROXY TCP4 192.0.2.1 198.51.100.7 1025 25\r\nEHLO eager.example\r\n");
    like( $at_once->hear(5), qr/^554 5\.5\.1 /, 'also in one piece with the header' );
    my $polite = from( $world, '192.0.3.1', silent => 1 );
    is( $polite->hear(1), undef, 'a client waits' );
    like( $polite->hear(5), qr/^220 /, 'and is greeted' );
    cmp_ok( seconds { from( $world, '192.0.3.77', silent => 1 )->hear(5) }, '<', 1, 'its network need not wait again' );
    my $gone = from( $world, '192.0.4.1', silent => 1 );
    $gone->hang_up;
    is( $world->stop, 0, 'drained' );
}

# --- HELO ---

{
    my $world = Poterne::World->start( settings => "gate { $proxy; helo_refuse = { own, address, unqualified } }" );
    my $client = from( $world, '192.0.2.1', no_ehlo => 1 );
    like( $client->ask('EHLO mx.ours.example'), qr/^550 5\.7\.1 /, 'our name' );
    like( $world->told(qr/^refused/), qr/^refused helo 550/, 'the journal hears of it' );
    like( $client->ask('HELO [127.0.0.1]'), qr/^550 5\.7\.1 /, 'our address' );
    like( $client->ask('HELO 192.0.2.1'),   qr/^550 5\.7\.1 /, 'an address without brackets' );
    like( $client->ask('HELO friend'),      qr/^550 5\.7\.1 /, 'no domain' );
    like( $client->ask('MAIL FROM:<>'),     qr/^503 5\.5\.1 /, 'none of them counts' );
    like( $client->ask('HELO [192.0.2.1]'), qr/^250 /,         'its own address' );
    my $own = from( $world, '127.0.0.1', no_ehlo => 1 );
    like( $own->ask('EHLO mx.ours.example'), qr/^250/, 'this machine may say its name' );
}

# --- errors ---

{
    my $world = Poterne::World->start( settings => "gate { $proxy; tarpit = 2s }\nsmtp { errors_limit = 6 }" );
    my $clumsy = from( $world, '192.0.2.1' );
    my $other = from( $world, '192.0.2.2' );
    cmp_ok( seconds { $clumsy->ask('BOGUS') for 1 .. 3 }, '<', 1, 'some errors are free' );
    cmp_ok( seconds { $clumsy->ask('BOGUS') }, '>', 0.9, 'then they take their time' );
    $clumsy->say('BOGUS');
    cmp_ok( seconds { $other->ask('NOOP') }, '<', 1, 'nobody else waits' );
    like( $clumsy->hear, qr/^500 /, 'one more' );
    like( $clumsy->ask( 'BOGUS' ), qr/^500 /, 'the last' );
    like( $clumsy->hear, qr/^421 4\.7\.0 /, 'too many' );
    ok( $clumsy->closed, 'closed' );
}

# --- harvesting ---

{
    my $folder;
    my $settings = "gate { $proxy; harvest_limit = 10; tarpit = 0 }\nsmtp { errors_limit = 1000 }";
    my $world = Poterne::World->start( settings => $settings );
    my @clients = map { from( $world, "192.0.2.$_" ) } 1 .. 3;
    $_->ask('MAIL FROM:<>') for @clients;
    like( $clients[ $_ % 2 ]->ask("RCPT TO:<nobody$_\@ours.example>"), qr/^550 5\.1\.1 /, "guess $_" ) for 1 .. 10;
    like( $clients[2]->ask('RCPT TO:<jean@ours.example>'), qr/^451 4\.7\.1 /, 'the whole network has to wait' );
    like( $clients[0]->ask('RCPT TO:<nobody@ours.example>'), qr/^451 4\.7\.1 /, 'and learns nothing' );
    is( $world->told(qr/^refused rcpt 451/), 'refused rcpt 451 jean@ours.example', 'the journal hears of it' );
    my $other = from( $world, '192.0.3.1' );
    like( $other->send_mail("hello\n"), qr/^250 /, 'others are served' );
    like( $world->log, qr/192\.0\.2\.0\/24 has asked for 10 unknown recipients/, 'the log says so' );
    $folder = $world->{folder};
    is( $world->stop, 0, 'drained' );
    my $again = Poterne::World->start( settings => $settings, folder => $folder );
    like( from( $again, '192.0.2.9' )->send_mail("hello\n"), qr/^5|^4/, 'it is not forgotten by a restart' );
}

# --- greylisting ---

{
    my $world = Poterne::World->start( settings => "gate { $proxy; greylist = yes; greylist_delay = 2s }" );
    my $client = from( $world, '192.0.2.1' );
    like( $client->ask( 'MAIL FROM:<a@b.example>', 'RCPT TO:<jean@ours.example>' ),
        qr/^451 4\.7\.1 Greylisted for now: try again in [12] s$/, 'the first time' );
    is( $world->told(qr/^refused/), 'refused rcpt 451 jean@ours.example', 'the journal hears of it' );
    like( $client->ask('RCPT TO:<nobody@ours.example>'), qr/^550 5\.1\.1 /, 'who is not known is told so' );
    like( $client->ask( 'RSET', 'MAIL FROM:<a@b.example>', 'RCPT TO:<jean@ours.example>' ), qr/^451 4\.7\.1 /, 'too soon' );
    sleep 3;
    like( from( $world, '192.0.2.2' )->send_mail("hello\n"), qr/^250 /, 'again, from beside it' );
    like( from( $world, '192.0.2.3' )->send_mail( "hello\n", 'marie@ours.example' ), qr/^250 /, 'from then on at once' );
    like( from( $world, '192.0.3.1' )->ask( 'MAIL FROM:<>', 'RCPT TO:<jean@ours.example>' ), qr/^451 /, 'others wait' );
    is( $world->stop, 0, 'drained' );
}
done_testing();
