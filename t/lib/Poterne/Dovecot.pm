# A private Dovecot below a folder: LMTP in, Maildir behind, IMAP out, everybody's password "secret".
package Poterne::Dovecot;

use strict;
use warnings;

use File::Path qw(make_path);
use IO::Socket::INET;

use Poterne::Process qw(free_port wait_for_port start_process stop_process);

my $SETTINGS = <<'EOF';
base_dir = %{root}/run
state_dir = %{root}/state
log_path = %{root}/dovecot.log
protocols = lmtp imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:%{root}/mail/%u
mail_uid = %{uid}
mail_gid = %{gid}
first_valid_uid = 1
default_login_user = %{user}
default_internal_user = %{user}
default_internal_group = %{group}
lmtp_user_concurrency_limit = 0
mail_fsync = never
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=%{uid} gid=%{gid} home=%{root}/mail/%u allow_all_users=yes
}
service lmtp {
  chroot =
  process_limit = 30
  inet_listener lmtp {
    address = 127.0.0.1
    port = %{lmtp}
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = %{imap}
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
EOF

sub there {
    my ($program) = grep { -x } qw(/usr/sbin/dovecot /usr/bin/dovecot);
    return -e '/usr/lib/dovecot/lmtp' && -e '/usr/lib/dovecot/imap' ? $program : undef;
}

# With quota: those users alone, each with how much may be in its mailbox.
my $QUOTA = <<'EOF_QUOTA';
mail_plugins = quota
passdb {
  driver = passwd-file
  args = %{root}/users
}
userdb {
  driver = passwd-file
  args = %{root}/users
}
plugin {
  quota = count:User quota
  quota_vsizes = yes
  quota_grace = 0
  quota_status_success = DUNNO
  quota_status_nouser = DUNNO
  quota_status_overquota = 552 5.2.2 Mailbox is full
}
service quota-status {
  executable = quota-status -p postfix
  chroot =
  inet_listener {
    address = 127.0.0.1
    port = %{quota}
  }
}
EOF_QUOTA

# lmtp and imap: ports; free ones when not given (given: to come back at the same place). quota: port of
# quota-status, with users: { address => quota } who are the only ones. auth: port of its auth service, mechanisms: "plain login".
sub start {
    my ( $class, $root, %option ) = @_;
    my $self = bless { root => $root, quota => $option{quota}, lmtp => $option{lmtp} // free_port(), imap => $option{imap} // free_port() },
        $class;
    make_path( map { "$root/$_" } qw(run state mail) );
    my $user = $> == 0 ? 'nobody' : getpwuid $>;
    my @account = getpwnam $user;
    my %value = ( %$self, user => $user, group => scalar getgrgid( $account[3] ), uid => $account[2], gid => $account[3] );
    chown @account[ 2, 3 ], "$root/mail" if $> == 0;
    my $settings = $SETTINGS;
    # who else asks it for passwords (Postfix)
    $settings .= "auth_mechanisms = $option{mechanisms}\nservice auth {\n  inet_listener {\n    address = 127.0.0.1\n    port = $option{auth}\n  }\n}\n"
        if $option{auth};
    if ( $option{quota} ) {
        $settings =~ s/^(?:passdb|userdb) \{\n.*?^\}\n//gms;
        $settings .= $QUOTA;
        write_users( $root, \@account, $option{users} );
    }
    $settings =~ s/%\{(\w+)\}/$value{$1}/g;
    open my $file, '>', "$root/dovecot.conf" or die "$root/dovecot.conf: $!\n";
    print {$file} $settings;
    close $file or die "$root/dovecot.conf: $!\n";
    $self->{pid} = start_process( "$root/dovecot.out", there(), '-F', '-c', "$root/dovecot.conf" );
    wait_for_port( $_, 20, $self->{pid} ) or die "Dovecot does not start, see $root/dovecot.log\n"
        for grep { $_ } @{$self}{qw(lmtp imap quota)};
    return $self;
}

sub write_users {
    my ( $root, $account, $users ) = @_;
    open my $file, '>', "$root/users" or die "$root/users: $!\n";
    print {$file} "$_:{PLAIN}secret:$account->[2]:$account->[3]::$root/mail/$_\::userdb_quota_rule=*:storage=$users->{$_}\n"
        for sort keys %$users;
    close $file or die "$root/users: $!\n";
    return;
}

# More than any small quota allows, put there as a mailbox full of old mail has it.
sub fill {
    my ( $self, $user ) = @_;
    my $folder = "$self->{root}/mail/$user";
    my ( $uid, $gid ) = ( getpwnam( $> == 0 ? 'nobody' : getpwuid $> ) )[ 2, 3 ];
    make_path( map { "$folder/$_" } qw(cur new tmp) );
    open my $file, '>', "$folder/new/1.old.mail" or die "$folder: $!\n";
    print {$file} "Subject: old\n\n", "a line of old mail\n" x 1000;
    close $file or die "$folder: $!\n";
    chown $uid, $gid, $folder, map { "$folder/$_" } qw(cur new tmp new/1.old.mail) if $> == 0;
    return;
}

sub stop {
    my ($self) = @_;
    stop_process( delete $self->{pid} ) if $self->{pid};
    return;
}

# Every message of a user, in order, as IMAP gives it out (CR LF).
sub messages {
    my ( $self, $user ) = @_;
    my $socket = IO::Socket::INET->new( PeerAddr => '127.0.0.1', PeerPort => $self->{imap} )
        or die "IMAP: $@\n";
    local $/ = "\r\n";
    <$socket>;
    my $ask = sub {
        my ($command) = @_;
        my @found;
        print {$socket} "a $command\r\n";
        while ( defined( my $line = <$socket> ) ) {
            return @found if $line =~ /^a OK/;
            die "IMAP, $command: $line" if $line =~ /^a /;
            next if $line !~ /\{(\d+)\}\r\n\z/;
            my ( $left, $message ) = ( $1, '' );
            while ( $left > 0 ) {
                my $n = read $socket, $message, $left, length $message or die "IMAP: cut short\n";
                $left -= $n;
            }
            push @found, $message;
        }
        die "IMAP, $command: the server has gone\n";
    };
    $ask->("LOGIN $user secret");
    $ask->('SELECT INBOX');
    my @messages = eval { $ask->('FETCH 1:* BODY.PEEK[]') };
    die $@ if $@ && $@ !~ /Invalid messageset|No matching/i;
    print {$socket} "a LOGOUT\r\n";
    close $socket;
    return @messages;
}

1;
