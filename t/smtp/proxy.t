#!/usr/bin/perl
# Whose session is it? The PROXY header of a load balancer and XCLIENT of a server in front, believed
# from those networks that the settings name and from nobody else.
use strict;
use warnings;
use Socket qw(inet_aton inet_pton AF_INET6);
use Test::More;
use lib 't/lib';
use Poterne::World;

my $signature = "\r\n\r\n\0\r\nQUIT\n";
my $v1 = "PROXY TCP4 192.0.2.1 198.51.100.7 56324 25\r\n";

sub v2 {
    my ( $command, $family, $body ) = @_;
    return $signature . pack( 'CCn', 0x20 | $command, $family, length $body ) . $body;
}
my $four = inet_aton('192.0.2.4') . inet_aton('198.51.100.7') . pack 'nn', 1025, 25;
my $six = inet_pton( AF_INET6, '2001:db8::6' ) . inet_pton( AF_INET6, '2001:db8::25' ) . pack 'nn', 1025, 25;
my $alpn = pack 'Cna*', 1, 2, 'h2';

# What the Received field of a message says of its client.
sub origin_of {
    my ( $world, $client ) = @_;
    my ($id) = $client->send_mail("Subject: x\n\nhello\n") =~ /^250 .* (\S+)$/ or return 'not accepted';
    my ($origin) = $world->file( queue => $id ) =~ /^?Received: from (\S+ \([^()]*\))/m;
    return $origin;
}

{
    my $world = Poterne::World->start( settings => 'gate { proxy_from = { 127.0.0.0/8 } }' );
    my $proxied = sub {
        my ( $header, @pieces ) = @_;
        my $client = $world->client( silent => 1 );
        for my $piece ( $header, @pieces ) {
            $client->bytes($piece);
            select undef, undef, undef, 0.05 if @pieces;
        }
        return $client;
    };
    my %known = (
        'version 1'           => [ $v1,                             '192.0.2.1' ],
        'version 1, IPv6'     => [ "PROXY TCP6 2001:db8::1 2001:db8::2 1 25\r\n", '2001:db8::1' ],
        'version 1, UNKNOWN'  => [ "PROXY UNKNOWN\r\n",             'unknown' ],
        'version 2'           => [ v2( 1, 0x11, $four ),            '192.0.2.4' ],
        'version 2, IPv6'     => [ v2( 1, 0x21, $six ),             '2001:db8::6' ],
        'version 2 with TLVs' => [ v2( 1, 0x11, $four . $alpn ),    '192.0.2.4' ],
        'version 2, LOCAL'    => [ v2( 0, 0, '' ),                  '127.0.0.1' ],
        'version 2, UNSPEC'   => [ v2( 1, 0, '' ),                  'unknown' ],
    );
    for my $name ( sort keys %known ) {
        my ( $header, $ip ) = @{ $known{$name} };
        my $client = $proxied->($header);
        like( $client->hear, qr/^220 /, "$name: greeted" );
        $client->ask('EHLO client.example');
        like( origin_of( $world, $client ), qr/\[(?:IPv6:)?\Q$ip\E\]/i, "$name: $ip" );
    }
    my $slow = $proxied->( split //, $v1 );
    like( $slow->hear, qr/^220 /, 'byte by byte' );
    my $early = $proxied->("${v1}EHLO client.example\r\n");
    like( $early->hear, qr/^220 /, 'with commands behind it' );
    like( $early->hear, qr/^250-/, 'which are not lost' );

    my %bad = (
        'no header'           => "EHLO client.example\r\n",
        'a damaged one'       => "PROXY TCP4 192.0.2.1 198.51.100.7 99999 25\r\n",
        'one without an end'  => 'PROXY UNKNOWN ' . 'x' x 200,
        'a datagram'          => v2( 1, 0x12, $four ),
        'a far too long one'  => $signature . pack( 'CCn', 0x21, 0x11, 0xffff ),
        'TLS'                 => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    );
    for my $name ( sort keys %bad ) {
        my $client = $proxied->( $bad{$name} );
        ok( $client->closed(5), "$name: closed without a word" );
    }
    my $silent = $proxied->('PROXY TC');
    is( $silent->hear(1), undef, 'nothing is said to half of a header' );
    ok( $silent->closed(15), 'which has not for ever' );
    like( $proxied->($v1)->hear, qr/^220 /, 'others are served' );
    is( $world->stop, 0, 'drained' );
}

{
    my $world = Poterne::World->start(
        settings => "gate { proxy_from = { 127.0.0.0/8 }; xclient_from = { 192.0.2.1 } }\nsmtp { client_sessions_limit = 2 }" );
    my @clients = map { $world->client( silent => 1 ) } 1 .. 4;
    $_->bytes($v1) for @clients[ 0 .. 2 ];
    my @said = map { $_->hear } @clients[ 0 .. 2 ];
    is( scalar( grep {/^220/} @said ), 2, 'sessions are counted by the client that is behind the proxy' );
    is( scalar( grep {/^421 4\.7\.0/} @said ), 1, 'and there are too many' );
    $clients[3]->bytes( v2( 1, 0x11, $four ) );
    like( $clients[3]->hear, qr/^220/, 'another one is let in' );
    unlike( $clients[3]->ask('EHLO x.example'), qr/XCLIENT/, 'but has no XCLIENT' );
    like( $clients[3]->ask('XCLIENT ADDR=192.0.2.9'), qr/^550 5\.7\.0/, 'and may not use it' );
    like( $world->told(qr/^refused helo/) // '', qr/^refused helo 550/, 'of which the journal hears' );
    like( $clients[0]->ask('EHLO x.example'), qr/XCLIENT/, 'who is trusted has it' ) if $said[0] =~ /^220/;
    my @unknown = map { $world->client( silent => 1 ) } 1 .. 4;
    $_->bytes("PROXY UNKNOWN\r\n") for @unknown;
    is( scalar( grep { $_->hear =~ /^220/ } @unknown ), 4, 'those whom nobody knows are not counted as one' );
}

{
    my $world = Poterne::World->start( settings => 'gate { xclient_from = { 127.0.0.1 } }' );
    my $client = $world->client;
    like( $client->ask('XCLIENT NAME=mail.b.example ADDR=192.0.2.9 HELO=said.b.example PROTO=SMTP'), qr/^220 /, 'XCLIENT' );
    like( $client->ask('MAIL FROM:<>'), qr/^503 /, 'the session begins again' );
    unlike( $client->ask('EHLO front.example'), qr/XCLIENT/, 'as that of the other, who is not trusted' );
    is( origin_of( $world, $client ), 'said.b.example (mail.b.example [192.0.2.9])', 'whose name and address are known' );
    my $unknown = $world->client;
    like( $unknown->ask('XCLIENT ADDR=[UNAVAILABLE]'), qr/^220 /, 'an unknown client' );
    $unknown->ask('EHLO front.example');
    like( origin_of( $world, $unknown ), qr/\[unknown\]/, 'is unknown' );
    my $friend = $world->client;
    $friend->ask('XCLIENT ADDR=192.0.2.9 HELO=mx.ours.example');
    like( $friend->ask('EHLO front.example'), qr/^550 5\.7\.1 /, 'a name that XCLIENT tells is looked at as one that is typed' );
    like( $world->told(qr/^refused helo/) // '', qr/^refused helo 550/, 'of which the journal hears' );
    my $settings = 'gate { xclient_from = { 127.0.0.1 }; harvest_limit = 2; tarpit = 0 }';
    my $guessed = Poterne::World->start( settings => $settings );
    my $guess = sub {
        my $client = $guessed->client;
        $client->ask($_) for 'XCLIENT ADDR=[UNAVAILABLE]', 'EHLO front.example', 'MAIL FROM:<>';
        return join ' ', map { substr $client->ask("RCPT TO:<nobody$_\@ours.example>"), 0, 3 } 1 .. 3;
    };
    is( $guess->(), '550 550 550', 'guesses of whom nobody knows' );
    is( $guess->(), '550 550 550', 'are held against nobody else' );
    my $wrong = $world->client;
    like( $wrong->ask('XCLIENT ADDR=300.1.1.1'), qr/^501 /, 'an address that is none' );
    like( $wrong->ask('XCLIENT ADDR=IPV6:192.0.2.1'), qr/^220 |^501 /, 'a prefix that is wrong' );
    my $stranger = Poterne::World->start;
    my $visitor = $stranger->client;
    like( $visitor->ask('XCLIENT ADDR=192.0.2.1'), qr/^550 5\.7\.0/, 'from a stranger' );
    my $proxy = $stranger->client( silent => 1 );
    $proxy->bytes($v1);
    like( $proxy->hear, qr/^220 /, 'a stranger\'s PROXY header' );
    like( $proxy->hear, qr/^500 5\.5\.1/, 'is no command' );
    my $binary = $stranger->client( silent => 1 );
    $binary->bytes( v2( 1, 0x11, $four ) );
    my @said = map { $binary->hear } 1 .. 4;
    like( "@said", qr/^220 .*500 .*521 /s, 'nor is the other kind' );
}
done_testing();
