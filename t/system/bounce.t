#!/usr/bin/perl
# What can't be delivered is told to who sent it, and to nobody else. Postfix is the next hop that refuses;
# Python's email package reads the bounces.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IPC::Open2 qw(open2);
use JSON::PP ();
use Test::More;
use lib 't/lib';
use Poterne::Dns;
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Postfix;
use Poterne::Process qw(wait_until);
use Poterne::Sink;

plan skip_all => 'Postfix is not installed, or not run by root' if !Poterne::Postfix::there();
plan skip_all => 'python3 is not installed' if !-x '/usr/bin/python3';
plan skip_all => Poterne::Dns::missing() if Poterne::Dns::missing();

my ( $INSIDE, $OUTSIDE ) = ( '127.0.0.1', '127.0.0.9' );
my $root = tempdir( 'poterne-bounce-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;

my $sink    = Poterne::Sink->start( root => "$root/sink", smtp => 1 );
my $sink2   = Poterne::Sink->start( root => "$root/behind" );
my $postfix = Poterne::Postfix->start(
    root       => "$root/postfix",
    domain     => 'ours.example',
    recipients => [ map { "$_\@ours.example" } qw(good full policy later) ],
    sink       => $sink2->{port},
    protocol   => 'lmtp',
    more       => 'smtpd_recipient_restrictions = check_recipient_access inline:{ { full@ours.example = 552 5.2.2 Mailbox is full },'
        . ' { policy@ours.example = 554 5.7.1 Not here }, { later@ours.example = 450 4.2.1 Come later } }, reject_unauth_destination'
        . "\nsmtputf8_enable = yes"
);
my $dns = Poterne::Dns->new( folder => "$root/dns", records => [qq(sender.example. TXT "v=spf1 ip4:$OUTSIDE -all")] )->start;
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        antivirus => { engines => '{ }' },
        bounces   => { original_limit => '2K' },
        gate      => { inside => "{ $INSIDE }" },
        outside   => { next_hop => qq("smtp://127.0.0.1:$sink->{port}") },
        queue     => { free_space_min => '0', retry_first => '1s', retry_max => '1s', lifetime => '4s' },
        resolver  => $dns->settings,
    },
    domains => {
        'ours.example' => {
            next_hop   => "smtp://127.0.0.1:$postfix->{port}",
            recipients => [
                ( map { "$_\@ours.example" } qw(good gone full policy later rené) ),
                'away@ours.example -> never@lab.example',
                'fixed@home.example -> never@lab.example',
                'me@home.example'
            ],
            more => 'redirect_only_to = { lab.example }'
        },
        'home.example' => {
            next_hop   => Poterne::Gateway::maildir_hop("$root/gateway"),
            recipients => [ 'me@home.example', 'you@home.example', 'boss@home.example' ],
            more       => "language = de\n    redirect_only_to = { lab.example }\n    redirect_sender = boss\@home.example",
        },
    }
)->start;

# Sends, and returns the id.
sub post {
    my ( $from, $to, %option ) = @_;
    my $smtp = $gateway->smtp( local => $option{from} // $INSIDE );
    my $result = $smtp->send(
        from => $from,
        to   => ref $to ? $to : [$to],
        data => \( $option{text} // letter( 'people@ours.example', $option{subject} ) )
    );
    $smtp->quit;
    my ($id) = ( $result->{text} // '' ) =~ /\b([0-9A-Z]{26})\b/;
    ok( $id, "taken: from <$from>" ) or diag( explain($result) );
    return $id;
}

# { address => last outcome } of a message, once they are all of these states.
sub outcomes {
    my ( $id, %states ) = @_;
    my %last;
    wait_until(
        40,
        sub {
            my ($message) = $gateway->poterne_json( 'trace', $id );
            %last = map { ( $_->{address} => $_->{outcomes}[-1] // {} ) } @{ $message->{recipients} // [] };
            return !grep { ( $last{$_}{state} // '' ) ne $states{$_} } keys %states;
        }
    );
    is( $last{$_}{state}, $states{$_}, "$_ is $states{$_}" ) for sort keys %states;
    return \%last;
}

# What Python makes of a message.
sub parsed {
    my ($message) = @_;
    my $pid = open2( my $out, my $in, '/usr/bin/python3', 't/system/dsn.py' );
    binmode $_ for $in, $out;
    print {$in} $message;
    close $in;
    my $json = do { local $/; <$out> };
    waitpid $pid, 0;
    return eval { JSON::PP->new->decode($json) } // {};
}

# The bounces in a mailbox, those that were there before left out, once there are so many.
my %seen;

sub new_bounces {
    my ( $mailbox, $wanted ) = @_;
    my @all;
    wait_until( 30, sub { @all = $gateway->maildir_messages($mailbox); @all >= ( $seen{$mailbox} // 0 ) + $wanted } );
    my %known = map { ( $_ => 1 ) } @{ $seen{"$mailbox texts"} // [] };
    my @new = grep { !$known{$_} } @all;
    $seen{$mailbox} = @all;
    $seen{"$mailbox texts"} = \@all;
    is( scalar @new, $wanted, "$mailbox gets $wanted" );
    return map { parsed($_) } @new;
}

my $DATE = qr/^\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/;

# --- from inside: one bounce for all, field by field ---

my $id = post( 'me@home.example', [ map { "$_\@ours.example" } qw(gone full policy good) ], subject => 'Many' );
my $last = outcomes( $id, map( { ( "$_\@ours.example" => 'failed' ) } qw(gone full policy) ), 'good@ours.example' => 'delivered' );
my ($bounce) = new_bounces( 'me@home.example', 1 );
is( $bounce->{type}, 'multipart/report', 'a report' );
is( $bounce->{report_type}, 'delivery-status', '… of a delivery' );
is_deeply( $bounce->{types}, [qw(text/plain message/delivery-status message/rfc822)], '… of three parts' );
is_deeply( $bounce->{defects}, [], '… in which Python finds no defect' );
is( $bounce->{header}{'auto-submitted'}, 'auto-replied', 'nobody\'s program answers it' );
like( $bounce->{header}{from}, qr/<postmaster\@home\.example>/, 'from the postmaster' );
like( $bounce->{header}{to}, qr/^<?me\@home\.example>?$/, 'to the sender' );
like( $bounce->{header}{'return-path'} // '<>', qr/^<>$/, 'with the null sender' );
is( $bounce->{header}{'message-id'}, "<$id.0\@mx.poterne.example>", 'an id that stays' );
like( $bounce->{header}{'in-reply-to'}, qr/\@remote\.example>/, 'an answer to the message' );
is( $bounce->{header}{subject}, 'Nicht zugestellt: Many', 'its subject, in the language of the domain' );
is( $bounce->{language}, 'de', '… which it names' );
like( $bounce->{text}, qr/gone\@ours\.example\s+Dieses Postfach gibt es nicht/, 'words for people' );
like( $bounce->{text}, qr/Antwort des Servers: 550 5\.1\.1/, '… and the server\'s own' );
is( $bounce->{message}{'reporting-mta'}, 'dns; mx.poterne.example', 'Reporting-MTA' );
like( $bounce->{message}{'arrival-date'}, $DATE, 'Arrival-Date' );
my %status = map { ( $_->{'final-recipient'} => $_ ) } @{ $bounce->{recipients} };
is( scalar @{ $bounce->{recipients} }, 3, 'of three recipients' );
for ( [ gone => '5.1.1', qr/^smtp; 550 5\.1\.1 .*User unknown/ ], [ full => '5.2.2', qr/^smtp; 552 5\.2\.2 / ], [ policy => '5.7.1', qr/^smtp; 554 5\.7\.1 / ] ) {
    my ( $who, $code, $words ) = @$_;
    my $of = $status{"rfc822; $who\@ours.example"} // {};
    is( $of->{action}, 'failed', "$who: Action" );
    is( $of->{status}, $code, '… Status' );
    like( $of->{'diagnostic-code'}, $words, '… Diagnostic-Code' );
    is( $of->{'remote-mta'}, 'dns; [127.0.0.1]', '… Remote-MTA' );
    like( $of->{'last-attempt-date'}, $DATE, '… Last-Attempt-Date' );
}
is( $bounce->{returned}{subject}, 'Many', 'the message comes back' );
my ($told) = $last->{'gone@ours.example'}{detail} =~ /^its sender is told by ([0-9A-Z]{26}): 550 5\.1\.1/;
ok( $told, 'the journal names the bounce' );
is_deeply( [ map { $_->{how} } map { @{ $_->{recipients} } } $gateway->poterne_json( 'trace', $told // '' ) ], ["bounce of $id"], '… and it the message' );
ok( $gateway->wait_for_empty_queue, 'nothing is left in the queue' );

# --- language, a large message, one that came too late, international ---

post( 'me@home.example', 'gone@ours.example', text => "Accept-Language: it, fr;q=0.8\n" . letter( 'x@ours.example', 'Large', 'x' x 70 . "\n" x 3000 ) );
($bounce) = new_bounces( 'me@home.example', 1 );
is( $bounce->{language}, 'fr', 'the language that the message asks for' );
like( $bounce->{text}, qr/Cette adresse n'existe pas/, '… is spoken' );
is( $bounce->{types}[2], 'text/rfc822-headers', 'of a large message the header' );
like( $bounce->{returned}{text}, qr/^Subject: Large\r?$/m, '… comes back' );
unlike( $bounce->{returned}{text}, qr/xxxx/, '… alone' );

$id = post( 'me@home.example', 'later@ours.example' );
outcomes( $id, 'later@ours.example' => 'failed' );
($bounce) = new_bounces( 'me@home.example', 1 );
is( $bounce->{recipients}[0]{status}, '4.4.7', 'tried for too long' );
like( $bounce->{recipients}[0]{'diagnostic-code'}, qr/^smtp; 450 4\.2\.1 .*Come later/, '… with the last answer' );
like( $bounce->{text}, qr/not delivered within 4 seconds; at last: 450/, '… and how long' );

my $smtp = $gateway->smtp( local => $INSIDE );
$smtp->hello;
$smtp->command('MAIL FROM:<me@home.example> SMTPUTF8');
$smtp->command('RCPT TO:<rené@ours.example>');
$smtp->command('DATA');
is( ( $smtp->command( "Subject: Élan\r\n\r\nhello\r\n." ) )[0], 250, 'an internationalised message is taken' );
$smtp->quit;
($bounce) = new_bounces( 'me@home.example', 1 );
is_deeply( [ @{ $bounce->{types} }[ 1, 2 ] ], [qw(message/global-delivery-status message/global)], 'its bounce is one of RFC 6533' );
is( $bounce->{recipients}[0]{'final-recipient'}, 'utf-8; rené@ours.example', '… with the address as it is' );

# --- who is told nothing ---

my %nothing = (
    'from outside'    => post( 'me@home.example', 'gone@ours.example', from => $OUTSIDE ),
    'the null sender' => post( '',                'gone@ours.example' ),
);
outcomes( $nothing{$_}, 'gone@ours.example' => 'held' ) for sort keys %nothing;

# Its sender has no mailbox either: the bounce is held, and makes no other.
$id = post( 'gone@ours.example', 'policy@ours.example' );
$last = outcomes( $id, 'policy@ours.example' => 'failed' );
($told) = $last->{'policy@ours.example'}{detail} =~ /told by ([0-9A-Z]{26})/;
like( outcomes( $told // '', 'gone@ours.example' => 'held' )->{'gone@ours.example'}{detail}, qr/^undeliverable: 550 5\.1\.1/, 'a bounce that can\'t be delivered' );
ok( wait_until( 20, sub { $gateway->spooled('quarantine') == 3 } ), 'all three are held' );
new_bounces( 'me@home.example', 0 );

# --- redirected ---

$id = post( 'news@sender.example', 'away@ours.example', from => $OUTSIDE );
outcomes( $id, 'never@lab.example' => 'failed' );
my @back;
ok( wait_until( 20, sub { @back = $sink->messages('news@sender.example') } ), 'redirected, the sender is proved: he is told' );
$bounce = parsed( $back[0] // '' );
is( $bounce->{recipients}[0]{'final-recipient'}, 'rfc822; away@ours.example', '… of whom he wrote to' );
unlike( $back[0] // '', qr/lab\.example/, '… and not where it went' );
like( $bounce->{header}{from}, qr/<postmaster\@ours\.example>/, '… by the postmaster of that domain' );
outcomes( post( 'news@elsewhere.example', 'away@ours.example', from => $OUTSIDE ), 'never@lab.example' => 'held' );
is( scalar $sink->messages('news@elsewhere.example'), 0, '… one who is not proved is not told' );
outcomes( post( 'news@elsewhere.example', 'fixed@home.example', from => $OUTSIDE ), 'never@lab.example' => 'failed' );
($bounce) = new_bounces( 'boss@home.example', 1 );
is( $bounce->{recipients}[0]{'final-recipient'}, 'rfc822; never@lab.example', 'under an address of ours that one is told' );

# --- killed before the bounce is in the queue ---

my $incoming = "$root/gateway/state/incoming";
my $mode = ( stat $incoming )[2] & oct 7777;
$id = post( 'you@home.example', 'later@ours.example' );
chmod 0500, $incoming;    # no mail of ours can be made
outcomes( $id, 'later@ours.example' => 'returning' );
ok( $gateway->wait_for_log(qr/$id: its sender can't be told yet/), 'a bounce that can\'t be stored is said' );
new_bounces( 'you@home.example', 0 );
$gateway->crash;
chmod $mode, $incoming;
$gateway->start;
outcomes( $id, 'later@ours.example' => 'failed' );
($bounce) = new_bounces( 'you@home.example', 1 );
is( $bounce->{header}{'message-id'}, "<$id.0\@mx.poterne.example>", 'killed before: told once, behind the restart' );
ok( $gateway->wait_for_empty_queue, 'nothing is left in the queue' );
is( $gateway->stop, 0, 'the gateway ends' );
$_->stop for $sink, $sink2, $postfix, $dns;
done_testing();
